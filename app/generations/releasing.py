"""Generations let go of the pictures and the words of what was deleted for ever."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from beanie import PydanticObjectId

from app.generations.events import EventType
from app.generations.model import Generation

_SAID = ("wish", "mood", "lucid", "asked", "measurements", "contextText")
"""The parameters of recipes that are somebody's own words."""

type LetGo = Callable[[Sequence[PydanticObjectId]], Awaitable[None]]


async def settle_those(generation_ids: Sequence[PydanticObjectId]) -> None:
    """Say of those (400 at most) that have succeeded that their result was written, so that it never is again.

    What was said in them is blanked, as `redact_work_on` does.
    """
    where = {"_id": {"$in": list(generation_ids)}, "status": "SUCCEEDED"}
    await Generation.rows().update_many(where, _blank(settled=True))


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


async def drop(generation_ids: Sequence[PydanticObjectId], picture_ids: Collection[PydanticObjectId]) -> None:
    """Let go of those pictures alone, which `let_go` was told of: what else these (400 at most) have made stays."""
    if generation_ids:
        where = {"_id": {"$in": list(generation_ids)}}
        await Generation.rows().update_many(where, {"$pullAll": {"pictureIds": list(picture_ids)}})


async def redact_work_on(parent_ids: Sequence[PydanticObjectId]) -> None:
    """Blank what was said and written in all that were to change those (400 at most) and have ended; safe to repeat.

    What is told of their work stays: times, calls, costs.
    """
    await Generation.rows().update_many({**_made_from(parent_ids), "settled": True}, _blank())


async def being_changed(parent_id: PydanticObjectId) -> bool:
    """Whether a generation that has not ended makes a version of that one."""
    return bool(await those_being_changed([parent_id]))


async def those_being_changed(parent_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Those (400 at most) that generations work on which have not ended."""
    rows = Generation.rows().find({**_made_from(parent_ids), "settled": False}, {"recipe.parentId": 1})
    return {row["recipe"]["parentId"] async for row in rows}


def _blank(**changes: object) -> dict[str, Any]:
    return {
        "$set": {"recipe.prompts": [], "steps": {}, **changes},
        "$unset": {f"recipe.parameters.{name}": "" for name in _SAID},
        "$pull": {"events": {"type": EventType.TEXT}},
    }


def _made_from(parent_ids: Sequence[PydanticObjectId]) -> dict[str, Any]:
    return {"recipe.parentId": {"$in": list(parent_ids)}}
