"""Named queries of the operator, over the generations of all owners.

They may read many documents: nobody waits for them but the person who typed the command.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from beanie import PydanticObjectId
from pymongo import DESCENDING

from app.accounts.model import User
from app.generations.lanes import Lane
from app.generations.leases import HELD
from app.generations.model import Generation, Status

_IN_ONE_QUERY = 400


class Standing(NamedTuple):
    """A generation, whose it is, and what the database's clock said when it was read."""

    generation: Generation
    owner: str
    now: datetime


async def newest(status: Status | None, owner_id: PydanticObjectId | None, limit: int) -> list[Generation]:
    """Those of that status and that owner (null: of any), newest first, their events left out."""
    where: dict[str, Any] = {}
    if owner_id is not None:
        where["ownerId"] = owner_id
    if status is not None:
        where["status"] = status
    rows = Generation.rows().find(where, {"events": 0}).sort("_id", DESCENDING).limit(limit)
    return [Generation.model_validate(row) async for row in rows]


async def standing(generation_id: PydanticObjectId) -> Standing | None:
    """One with all that is kept of it; null when there is none."""
    stages: list[dict[str, Any]] = [{"$match": {"_id": generation_id}}, {"$addFields": {"readAt": "$$NOW"}}]
    async for row in await Generation.rows().aggregate(stages):
        now = row.pop("readAt").replace(tzinfo=UTC)
        generation = Generation.model_validate(row)
        owners = await emails([generation.owner_id])
        return Standing(generation, owners.get(generation.owner_id, ""), now)
    return None


async def emails(user_ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, str]:
    """The address of each user that still exists; of one without an address, who it is at the issuer."""
    wanted = sorted(set(user_ids))
    found: dict[PydanticObjectId, str] = {}
    for start in range(0, len(wanted), _IN_ONE_QUERY):
        some = wanted[start : start + _IN_ONE_QUERY]
        rows = User.rows().find({"_id": {"$in": some}}, {"email": 1, "subject": 1})
        found |= {row["_id"]: row.get("email") or row.get("subject", "") async for row in rows}
    return found


async def counted() -> dict[Status, int]:
    """How many there are of each status."""
    stages: list[dict[str, Any]] = [{"$group": {"_id": "$status", "count": {"$sum": 1}}}]
    found = {row["_id"]: row["count"] async for row in await Generation.rows().aggregate(stages)}
    return {status: found.get(status, 0) for status in Status}


async def held() -> list[str]:
    """The worker of each generation that somebody works on now."""
    rows = Generation.rows().find({"settled": False, "status": Status.RUNNING, "$expr": HELD}, {"lease": 1})
    return [row["lease"]["worker"] async for row in rows]


async def lanes() -> list[int]:
    """How many open generations each owner has who has any."""
    return [len(lane.open) for lane in await Lane.all_busy()]
