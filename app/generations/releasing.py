"""Generations let go of the pictures of what was deleted for ever."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from beanie import PydanticObjectId

from app.generations.model import Generation

type LetGo = Callable[[Sequence[PydanticObjectId]], Awaitable[None]]


async def settle_those(generation_ids: Sequence[PydanticObjectId]) -> None:
    """Say of those (400 at most) that have succeeded that their result was written, so that it never is again."""
    where = {"_id": {"$in": list(generation_ids)}, "status": "SUCCEEDED", "settled": False}
    await Generation.rows().update_many(where, {"$set": {"settled": True}})


async def release(
    generation_ids: Sequence[PydanticObjectId], parent_ids: Sequence[PydanticObjectId], let_go: LetGo
) -> None:
    """Let go of all pictures of `generation_ids`, and of the ended ones that were to change `parent_ids` (400 of each).

    What has not ended keeps its pictures. Safe to repeat; `let_go` is told before nothing refers to them any more.
    """
    held: dict[PydanticObjectId, list[PydanticObjectId]] = {}
    for where in ({"_id": {"$in": list(generation_ids)}}, {**_made_from(parent_ids), "settled": True}):
        rows = Generation.rows().find(where, {"pictureIds": 1})
        held |= {row["_id"]: row["pictureIds"] async for row in rows if row["pictureIds"]}
    if held:
        await let_go(list({picture_id for pictures in held.values() for picture_id in pictures}))
        await Generation.rows().update_many({"_id": {"$in": list(held)}}, {"$set": {"pictureIds": []}})


async def being_changed(parent_id: PydanticObjectId) -> bool:
    """Whether a generation that has not ended makes a version of that one."""
    return await Generation.rows().find_one({**_made_from([parent_id]), "settled": False}, {"_id": 1}) is not None


def _made_from(parent_ids: Sequence[PydanticObjectId]) -> dict[str, Any]:
    return {"recipe.parentId": {"$in": list(parent_ids)}}
