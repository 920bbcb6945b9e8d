"""The writes of a cancel, by whoever asks for it: each is one update under a condition."""

from typing import Any

from beanie import PydanticObjectId
from pymongo import ReturnDocument

from app.generations.claims import closed
from app.generations.events import EventType
from app.generations.leases import FREE, HELD
from app.generations.model import OPEN, Generation, Status


async def cancel_idle(generation_id: PydanticObjectId) -> Generation | None:
    """End it while nobody holds its lease; null when somebody does, or it has ended."""
    where = {"status": {"$in": list(OPEN)}, "$expr": FREE}
    changes = {
        "status": Status.CANCELLED,
        "stage": None,
        "lease": None,
        "notBefore": None,
        "endedAt": "$$NOW",
        "attempts": closed("$attempts", {}),
        "calls": closed("$calls", {"maybeBilled": "$$one.billable"}),
    }
    return await _write(generation_id, where, changes, EventType.CANCELLED)


async def request_cancel(generation_id: PydanticObjectId) -> Generation | None:
    """Ask its worker to let go; null when nobody holds it, it has ended, or that was asked before."""
    where = {
        "status": Status.RUNNING,
        "cancelRequestedAt": None,
        "$expr": HELD,
    }
    return await _write(generation_id, where, {"cancelRequestedAt": "$$NOW"}, EventType.CANCEL_REQUESTED)


async def _write(
    generation_id: PydanticObjectId, where: dict[str, Any], changes: dict[str, Any], type: EventType
) -> Generation | None:
    sequence = {"$add": ["$lastSequence", 1]}
    event = {
        "sequence": sequence,
        "type": type,
        "at": "$$NOW",
        "attempt": "$attempt",
        "stage": "$stage",
        "percent": "$percent",
    }
    numbered = {
        "lastSequence": sequence,
        "events": {"$concatArrays": ["$events", [event]]},
        "changedAt": "$$NOW",
    }
    row = await Generation.rows().find_one_and_update(
        {"_id": generation_id, **where}, [{"$set": {**changes, **numbered}}], return_document=ReturnDocument.AFTER
    )
    return None if row is None else Generation.model_validate(row)
