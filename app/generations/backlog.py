"""Named queries of the sweep, over the generations of all owners."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from beanie import PydanticObjectId
from bson import ObjectId
from pymongo import ASCENDING

from app.database.document import utc_now
from app.generations.events import EventType
from app.generations.leases import DUE, FREE
from app.generations.model import Generation, Status

_IN_ONE_QUERY = 400
_TRIMMED_AT_ONCE = 200
_SHOWN_WAITING = 2_000
_ACCEPTING = timedelta(seconds=15)
"""Longer than accepting takes from joining the lane to storing: two operations, each with its deadline of 5 s.

What is stored later all the same is in no lane, and is put back into it.
"""

type LetGo = Callable[[Sequence[PydanticObjectId]], Awaitable[None]]


async def due(waiting_s: float) -> set[PydanticObjectId]:
    """What could go on and has not for `waiting_s` seconds: it waits, its worker is lost, or a result is unwritten."""
    quiet = {"$lte": ["$changedAt", {"$subtract": ["$$NOW", round(waiting_s * 1000)]}]}
    rows = Generation.rows().find({"settled": False, "$expr": {"$and": [quiet, FREE, DUE]}}, {"_id": 1})
    return {row["_id"] async for row in rows}


async def unsettled() -> tuple[dict[PydanticObjectId, PydanticObjectId], list[PydanticObjectId]]:
    """The owners of those that have not ended, oldest first; and those that have, but whose result is unwritten."""
    rows = Generation.rows().find({"settled": False}, {"ownerId": 1, "status": 1}).sort("_id", ASCENDING)
    found = [(row["_id"], row["ownerId"], Status(row["status"])) async for row in rows]
    owners = {generation_id: owner_id for generation_id, owner_id, status in found if not status.ended}
    return owners, [generation_id for generation_id, _, status in found if status.ended]


async def waiting() -> list[tuple[PydanticObjectId, PydanticObjectId]]:
    """The generations that wait for their first attempt, with their owners; the 2,000 oldest, oldest first."""
    where = {"settled": False, "status": Status.QUEUED}
    rows = Generation.rows().find(where, {"ownerId": 1}).sort("_id", ASCENDING).limit(_SHOWN_WAITING)
    return [(row["_id"], row["ownerId"]) async for row in rows]


async def ended_or_missing(ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Those of `ids` that are over, or were never stored and never will be."""
    found: dict[PydanticObjectId, bool] = {}
    for some in _chunks(ids):
        rows = Generation.rows().find({"_id": {"$in": some}}, {"status": 1})
        found |= {row["_id"]: Status(row["status"]).ended async for row in rows}
    latest = utc_now() - _ACCEPTING
    return {one for one in ids if found.get(one, one.generation_time < latest)}


async def running(ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, int]:
    """The attempt that each of `ids` is in, of those that run."""
    found: dict[PydanticObjectId, int] = {}
    for some in _chunks(ids):
        where = {"_id": {"$in": some}, "status": Status.RUNNING}
        found |= {row["_id"]: row["attempt"] async for row in Generation.rows().find(where, {"attempt": 1})}
    return found


async def trim(ended_before: datetime, let_go: LetGo) -> int:
    """Forget all events but the last of those that ended before then, and their previews; how many.

    `let_go` is told the previews before nothing refers to them any more.
    """
    where: dict[str, Any] = {"trimmed": False, "endedAt": {"$lt": ended_before, "$ne": None}}
    order = [("endedAt", ASCENDING), ("_id", ASCENDING)]
    shown = {"events": 1, "steps": 1, "recipe.pictures": 1}
    rows = await Generation.rows().find(where, shown).sort(order).limit(_TRIMMED_AT_ONCE).to_list()
    for row in rows:
        update: dict[str, Any] = {"$set": {"trimmed": True, "events": row["events"][-1:]}}
        if previews := _only_previewed(row):
            await let_go(previews)
            update["$pullAll"] = {"pictureIds": previews}
        await Generation.rows().update_one({"_id": row["_id"], "trimmed": False}, update)
    return len(rows)


def _only_previewed(row: dict[str, Any]) -> list[PydanticObjectId]:
    """The pictures of a generation that nothing but its events refers to."""
    kept = {value for step in row["steps"].values() for value in step.values() if isinstance(value, ObjectId)}
    kept |= {picture["pictureId"] for picture in row["recipe"]["pictures"]}
    previews = [event["pictureId"] for event in row["events"] if event["type"] == EventType.PREVIEW]
    return [picture_id for picture_id in dict.fromkeys(previews) if picture_id not in kept]


async def unsettled_of(ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Those of `ids` that have not ended, or whose result is unwritten."""
    found: set[PydanticObjectId] = set()
    for some in _chunks(ids):
        rows = Generation.rows().find({"_id": {"$in": some}, "settled": False}, {"_id": 1})
        found |= {row["_id"] async for row in rows}
    return found


async def referring(picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Those of `picture_ids` (400 at most) that a generation refers to."""
    rows = Generation.rows().find({"pictureIds": {"$in": list(picture_ids)}}, {"pictureIds": 1})
    return {one async for row in rows for one in row["pictureIds"]} & set(picture_ids)


def _chunks(ids: Sequence[PydanticObjectId]) -> Iterator[list[PydanticObjectId]]:
    return (list(ids[start : start + _IN_ONE_QUERY]) for start in range(0, len(ids), _IN_ONE_QUERY))
