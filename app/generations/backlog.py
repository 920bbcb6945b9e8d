"""Named queries of the sweep, over the generations of all owners."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from beanie import PydanticObjectId
from pymongo import ASCENDING

from app.database.document import utc_now
from app.generations.events import EventType
from app.generations.model import Generation, Status

_IN_ONE_QUERY = 400
_TRIMMED_AT_ONCE = 200
_SHOWN_WAITING = 2_000
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ACCEPTING = timedelta(minutes=2)
"""Longer than an accepting process may take from joining the lane to storing the generation."""


async def due(waiting_s: float) -> set[PydanticObjectId]:
    """What could go on and has not for `waiting_s` seconds: it waits, its worker is lost, or a result is unwritten."""
    quiet = {"$lte": ["$changedAt", {"$subtract": ["$$NOW", round(waiting_s * 1000)]}]}
    free = {"$lt": [{"$ifNull": ["$lease.until", _LONG_AGO]}, "$$NOW"]}
    ready = {"$lte": [{"$ifNull": ["$notBefore", "$$NOW"]}, "$$NOW"]}
    rows = Generation.rows().find({"settled": False, "$expr": {"$and": [quiet, free, ready]}}, {"_id": 1})
    return {row["_id"] async for row in rows}


async def owners_of_unsettled() -> dict[PydanticObjectId, PydanticObjectId]:
    """The owner of each generation that still has something to be done, oldest first."""
    rows = Generation.rows().find({"settled": False}, {"ownerId": 1}).sort("_id", ASCENDING)
    return {row["_id"]: row["ownerId"] async for row in rows}


async def waiting() -> list[tuple[PydanticObjectId, PydanticObjectId]]:
    """The generations that wait for their first attempt, with their owners; the 2,000 oldest, oldest first."""
    where = {"settled": False, "status": Status.QUEUED}
    rows = Generation.rows().find(where, {"ownerId": 1}).sort("_id", ASCENDING).limit(_SHOWN_WAITING)
    return [(row["_id"], row["ownerId"]) async for row in rows]


async def settled_or_missing(ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Those of `ids` that are over, or were never stored and never will be."""
    found: dict[PydanticObjectId, bool] = {}
    for some in _chunks(ids):
        rows = Generation.rows().find({"_id": {"$in": some}}, {"settled": 1})
        found |= {row["_id"]: row["settled"] async for row in rows}
    latest = utc_now() - _ACCEPTING
    return {one for one in ids if found.get(one, one.generation_time < latest)}


async def running(ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, int]:
    """The attempt that each of `ids` is in, of those whose worker is alive."""
    alive = {"$expr": {"$gt": [{"$ifNull": ["$lease.until", _LONG_AGO]}, "$$NOW"]}}
    found: dict[PydanticObjectId, int] = {}
    for some in _chunks(ids):
        where = {"_id": {"$in": some}, "status": Status.RUNNING, **alive}
        found |= {row["_id"]: row["attempt"] async for row in Generation.rows().find(where, {"attempt": 1})}
    return found


async def trim(ended_before: datetime) -> int:
    """Forget all events but the last of those that ended before then, and their previews; how many."""
    where: dict[str, Any] = {"trimmed": False, "endedAt": {"$lt": ended_before, "$ne": None}}
    order = [("endedAt", ASCENDING), ("_id", ASCENDING)]
    rows = await Generation.rows().find(where, {"events": 1}).sort(order).limit(_TRIMMED_AT_ONCE).to_list()
    for row in rows:
        previews = [event["pictureId"] for event in row["events"] if event["type"] == EventType.PREVIEW]
        update: dict[str, Any] = {"$set": {"trimmed": True, "events": row["events"][-1:]}}
        if previews:
            update["$pullAll"] = {"pictureIds": previews}
        await Generation.rows().update_one({"_id": row["_id"], "trimmed": False}, update)
    return len(rows)


async def referring(picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Those of `picture_ids` (400 at most) that a generation refers to."""
    rows = Generation.rows().find({"pictureIds": {"$in": list(picture_ids)}}, {"pictureIds": 1})
    return {one async for row in rows for one in row["pictureIds"]} & set(picture_ids)


def _chunks(ids: Sequence[PydanticObjectId]) -> Iterator[list[PydanticObjectId]]:
    return (list(ids[start : start + _IN_ONE_QUERY]) for start in range(0, len(ids), _IN_ONE_QUERY))
