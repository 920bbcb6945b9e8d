"""The writes to a running generation: each is one update under a condition, so that each happens once.

The condition is the fence: the attempt's number. A worker whose lease was taken over has an old number, and
whatever it still writes is refused. Times of leases are the database's own (`$$NOW`).
"""

from dataclasses import dataclass
from typing import Any

from beanie import PydanticObjectId
from pymongo import ReturnDocument

from app.database.document import utc_now
from app.generations.events import EventType, GenerationEvent
from app.generations.model import Failure, Generation, Outcome, Status

_ENDS = {
    Status.SUCCEEDED: EventType.SUCCEEDED,
    Status.FAILED: EventType.FAILED,
    Status.CANCELLED: EventType.CANCELLED,
}


class LeaseLostError(Exception):
    """Another worker has taken this generation over, or it has ended: stop."""


async def claim(generation_id: PydanticObjectId, worker: str, lease_s: float) -> Generation | None:
    """Take it for `worker` if it waits and is due, or if its last worker's lease ran out; else null."""
    due = {"status": Status.QUEUED, "$expr": {"$lte": [{"$ifNull": ["$notBefore", "$$NOW"]}, "$$NOW"]}}
    dead = {"status": Status.RUNNING, "$expr": {"$lt": ["$lease.until", "$$NOW"]}}
    number, sequence = {"$add": ["$attempt", 1]}, {"$add": ["$lastSequence", 1]}
    event = {"sequence": sequence, "type": EventType.STARTED, "at": "$$NOW", "stage": None, "percent": 0}
    lost = {"outcome": Outcome.LEASE_LOST, "endedAt": "$$NOW"}
    closed = {"$cond": [{"$eq": ["$$one.outcome", None]}, {"$mergeObjects": ["$$one", lost]}, "$$one"]}
    earlier = {"$map": {"input": "$attempts", "as": "one", "in": closed}}
    attempt = {"number": number, "worker": {"$literal": worker}, "startedAt": "$$NOW", "outcome": None}
    row = await Generation.rows().find_one_and_update(
        {"_id": generation_id, "$or": [due, dead]},
        [
            {
                "$set": {
                    "status": Status.RUNNING,
                    "stage": None,
                    "percent": 0,
                    "attempt": number,
                    "attempts": {"$concatArrays": [earlier, [attempt]]},
                    "lastSequence": sequence,
                    "events": {"$concatArrays": ["$events", [event]]},
                    "lease": {"worker": {"$literal": worker}, "until": {"$add": ["$$NOW", round(lease_s * 1000)]}},
                }
            }
        ],
        return_document=ReturnDocument.AFTER,
    )
    return None if row is None else Generation.model_validate(row)


@dataclass(slots=True)
class Journal:
    """What one attempt writes; not safe for two tasks at once but for `renew`."""

    generation_id: PydanticObjectId
    attempt: int
    sequence: int
    percent: int = 0

    async def renew(self, lease_s: float) -> None:
        """Push the lease's end to `lease_s` seconds from now.

        Raises:
            LeaseLostError: the fence refused it.
        """
        until = {"$add": ["$$NOW", round(lease_s * 1000)]}
        await self._write([{"$set": {"lease.until": until}}], with_sequence=False)

    async def stage(self, stage: str, percent: int) -> GenerationEvent:
        """Say where the work stands.

        Raises:
            LeaseLostError: the fence refused it.
        """
        self.percent = percent
        event = self._next(EventType.STAGE, stage=stage)
        await self._write({"$set": {"stage": stage, "percent": percent}, **_push(event)})
        return self._written(event)

    async def step(self, name: str, result: dict[str, Any]) -> None:
        """Keep a finished step's result, so that it is never run again.

        Raises:
            LeaseLostError: the fence refused it.
        """
        await self._write({"$set": {f"steps.{name}": result}}, with_sequence=False)

    async def end(self, status: Status, failure: Failure | None, request_id: str | None = None) -> GenerationEvent:
        """Write the end; the first end wins.

        A success stays unsettled until its result is written.

        Raises:
            LeaseLostError: the fence refused it.
        """
        self.percent = 100 if status is Status.SUCCEEDED else self.percent
        event = self._next(_ENDS[status], message=failure.message if failure else None)
        mine = f"attempts.{self.attempt - 1}"
        changes: dict[str, Any] = {
            "status": status,
            "failure": failure.model_dump(by_alias=True) if failure else None,
            "settled": status is not Status.SUCCEEDED,
            "stage": None,
            "percent": self.percent,
            "lease": None,
            "endedAt": event.at,
            f"{mine}.outcome": Outcome(status),
            f"{mine}.code": failure.code if failure else None,
            f"{mine}.endedAt": event.at,
            f"{mine}.providerRequestId": request_id,
        }
        await self._write({"$set": changes, **_push(event)})
        return self._written(event)

    async def give_back(self) -> GenerationEvent:
        """Put it back into the queue, its finished steps kept: this worker stops.

        Raises:
            LeaseLostError: the fence refused it.
        """
        self.percent = 0
        event = self._next(EventType.QUEUED)
        mine = f"attempts.{self.attempt - 1}"
        outcome = {f"{mine}.outcome": Outcome.GIVEN_BACK, f"{mine}.endedAt": event.at}
        changes = {"status": Status.QUEUED, "stage": None, "percent": 0, "lease": None, **outcome}
        await self._write({"$set": changes, **_push(event)})
        return self._written(event)

    def _next(self, type: EventType, *, stage: str | None = None, message: str | None = None) -> GenerationEvent:
        return GenerationEvent(
            sequence=self.sequence + 1, type=type, at=utc_now(), stage=stage, percent=self.percent, message=message
        )

    def _written(self, event: GenerationEvent) -> GenerationEvent:
        self.sequence = event.sequence
        return event

    async def _write(self, update: dict[str, Any] | list[dict[str, Any]], *, with_sequence: bool = True) -> None:
        fence: dict[str, Any] = {"_id": self.generation_id, "attempt": self.attempt, "status": Status.RUNNING}
        if with_sequence:
            fence["lastSequence"] = self.sequence
        result = await Generation.rows().update_one(fence, update)
        if result.matched_count == 0:
            raise LeaseLostError


async def settle(generation_id: PydanticObjectId) -> None:
    """Say that it has ended and its result is written; safe to repeat."""
    await Generation.rows().update_one({"_id": generation_id}, {"$set": {"settled": True}})


def _push(event: GenerationEvent) -> dict[str, Any]:
    return {"$push": {"events": event.model_dump(by_alias=True)}, "$inc": {"lastSequence": 1}}
