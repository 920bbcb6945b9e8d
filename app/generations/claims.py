"""How a worker takes a generation: one update under a condition, so that one of many gets it.

Times of leases are the database's own (`$$NOW`).
"""

from typing import Any

from beanie import PydanticObjectId
from pymongo import ReturnDocument

from app.generations.attempts import Outcome
from app.generations.events import EventType
from app.generations.leases import DUE, FREE, until
from app.generations.model import OPEN, Generation, Status


async def claim(generation_id: PydanticObjectId, worker: str, lease_s: float) -> Generation | None:
    """Take it for `worker` if it is due and nobody holds it, or if its last worker's lease ran out; else null.

    What the last worker left open, it closes: the attempt as LEASE_LOST, a call to a provider as cut off.
    """
    number, sequence = {"$add": ["$attempt", 1]}, {"$add": ["$lastSequence", 1]}
    event = {"sequence": sequence, "type": EventType.STARTED, "at": "$$NOW", "attempt": number}
    attempt = {"number": number, "worker": {"$literal": worker}, "startedAt": "$$NOW", "outcome": None}
    row = await Generation.rows().find_one_and_update(
        {"_id": generation_id, "status": {"$in": list(OPEN)}, "$expr": {"$and": [FREE, DUE]}},
        [
            {
                "$set": {
                    "status": Status.RUNNING,
                    "stage": None,
                    "percent": 0,
                    "attempt": number,
                    "attempts": {"$concatArrays": [closed("$attempts", {}), [attempt]]},
                    "calls": closed("$calls", {"maybeBilled": "$$one.billable"}),
                    "lastSequence": sequence,
                    "events": {"$concatArrays": ["$events", [event]]},
                    "lease": {"worker": {"$literal": worker}, "until": until(lease_s)},
                    "notBefore": None,
                    "changedAt": "$$NOW",
                }
            }
        ],
        return_document=ReturnDocument.AFTER,
    )
    return None if row is None else Generation.model_validate(row)


def closed(field: str, more: dict[str, Any]) -> dict[str, Any]:
    """An array of attempts or calls in which what a lost worker left open is closed, with `more` about it."""
    lost = {"outcome": Outcome.LEASE_LOST, "endedAt": "$$NOW", **more}
    one = {"$cond": [{"$eq": ["$$one.outcome", None]}, {"$mergeObjects": ["$$one", lost]}, "$$one"]}
    return {"$map": {"input": field, "as": "one", "in": one}}
