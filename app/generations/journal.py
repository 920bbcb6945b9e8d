"""What one attempt writes to a running generation; how it is written is the pen's."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self

from beanie import PydanticObjectId

from app.generations.attempts import Attempt, Call, Failure, Outcome
from app.generations.events import EventType, GenerationEvent
from app.generations.model import Generation, Status
from app.generations.pen import LeaseLostError, Pen

_ENDS: Final = {
    Status.SUCCEEDED: EventType.SUCCEEDED,
    Status.FAILED: EventType.FAILED,
    Status.CANCELLED: EventType.CANCELLED,
}
_TOO_LATE = "The cancel came too late: the result was there already."


@dataclass(frozen=True, slots=True)
class Journal:
    """The attempt's own view of `generation`, as it was claimed, which is kept in step with what is written."""

    pen: Pen
    _claimed_s: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @classmethod
    def of(cls, generation: Generation, away_s: float = 60) -> Self:
        """The journal of the attempt that has just claimed it; writes bear a database that is away for `away_s`."""
        return cls(Pen(generation, away_s))

    @property
    def generation(self) -> Generation:
        """What is worked on."""
        return self.pen.generation

    @property
    def cancel_requested(self) -> asyncio.Event:
        """Set as soon as it is known here that somebody wants to cancel."""
        return self.pen.cancel_requested

    @property
    def attempt(self) -> Attempt:
        """The attempt that writes."""
        return self.generation.attempts[-1]

    def now(self) -> datetime:
        """The database's time, carried on since the claim: the clocks of two workers never agree."""
        now = self.attempt.started_at + timedelta(seconds=asyncio.get_running_loop().time() - self._claimed_s)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    @property
    def confirmed_at(self) -> datetime:
        """When the generation was last known to be this attempt's, by the database's clock and no later than it was."""
        return self.now() - timedelta(seconds=asyncio.get_running_loop().time() - self.pen.confirmed_s)

    @property
    def next_call(self) -> int:
        """The number of the ledger's next entry."""
        return self.pen.ledger.next_number

    async def renew(self, lease_s: float) -> None:
        """Push the lease's end to `lease_s` seconds from now, by the database's clock.

        Raises:
            LeaseLostError: the fence refused it.
        """
        await self.pen.renew(lease_s)

    async def stage(self, stage: str, percent: int) -> GenerationEvent:
        """Say where the work stands.

        Raises:
            LeaseLostError: the fence refused it.
        """
        self.generation.stage, self.generation.percent = stage, percent
        return await self._tell({"stage": stage, "percent": percent}, EventType.STAGE)

    async def preview(self, picture_id: PydanticObjectId, percent: int | None = None) -> GenerationEvent:
        """Show a stored picture of work that is not done; `percent` is how far it has come, null: as before.

        Raises:
            LeaseLostError: the fence refused it.
        """
        self.pen.pictures.append(picture_id)
        if percent is None:
            return await self._tell({}, EventType.PREVIEW, picture_id=picture_id)
        self.generation.percent = percent
        return await self._tell({"percent": percent}, EventType.PREVIEW, picture_id=picture_id)

    async def text(self, so_far: str) -> GenerationEvent:
        """Show what is written so far of a text that is not done.

        Raises:
            LeaseLostError: the fence refused it.
        """
        return await self._tell({}, EventType.TEXT, text=so_far)

    def note_step(self, name: str, result: dict[str, Any], pictures: Sequence[PydanticObjectId]) -> None:
        """Keep a finished step's result, with the next write; `pictures` are the ids that it refers to."""
        self.generation.steps[name] = result
        self.pen.noted[f"steps.{name}"] = result
        self.pen.pictures.extend(pictures)

    def note_call(self, call: Call) -> None:
        """Put a call into the ledger, or close it there, with the next write."""
        self.pen.ledger.put(call)
        self.pen.noted["calls"] = self.pen.ledger.rows()

    def forget_call(self, call: Call) -> bool:
        """Take a call out of the ledger if the entry was never known to be written: then it was not made, either."""
        if not self.pen.ledger.drop(call):
            return False
        self.pen.noted["calls"] = self.pen.ledger.rows()
        return True

    @property
    def noted(self) -> bool:
        """Whether something waits for the next write, or is in one that is under way."""
        return bool(self.pen.noted) or self.pen.ledger.has_unwritten

    async def write(self) -> None:
        """Write now what was noted.

        Raises:
            LeaseLostError: the fence refused it.
        """
        await self.pen.write({}, lambda _: None)

    async def end(self, status: Status, failure: Failure | None) -> GenerationEvent:
        """Write the end; the first end wins. It stays unsettled until what it leaves is written.

        Raises:
            LeaseLostError: the fence refused it.
        """
        succeeded = status is Status.SUCCEEDED
        self.generation.percent = 100 if succeeded else self.generation.percent
        self.generation.stage = None
        now = self.now()
        changes = {
            "status": status,
            "failure": failure.model_dump(by_alias=True) if failure else None,
            "stage": None,
            "percent": self.generation.percent,
            "lease": None,
            **self._closed(Outcome(status), failure, now),
        }

        def ended(sequence: int) -> GenerationEvent:
            too_late = _TOO_LATE if succeeded and self.cancel_requested.is_set() else None
            return self._event(sequence, _ENDS[status], now, message=failure.message if failure else too_late)

        event = await self._write_event(changes, ended)
        self.generation.status, self.generation.failure = status, failure
        return event

    async def retry(self, failure: Failure, delay_s: float) -> GenerationEvent:
        """End the attempt with its failure; the next one may begin in `delay_s` seconds.

        Raises:
            LeaseLostError: the fence refused it.
        """
        not_before = self.now() + timedelta(milliseconds=round(delay_s * 1000))  # what the database keeps
        changes = {"notBefore": not_before, **self._closed(Outcome.FAILED, failure, self.now())}
        return await self._let_go(changes, message=failure.message, retry_at=not_before)

    async def give_back(self) -> GenerationEvent:
        """End the attempt without a result, its finished steps kept: this worker stops, another may go on at once.

        Raises:
            LeaseLostError: the fence refused it.
        """
        return await self._let_go(self._closed(Outcome.GIVEN_BACK, None, self.now()))

    async def _let_go(self, changes: dict[str, Any], **more: Any) -> GenerationEvent:
        self.generation.stage, self.generation.percent = None, 0
        return await self._tell({"stage": None, "percent": 0, "lease": None, **changes}, EventType.RETRYING, **more)

    def _closed(self, outcome: Outcome, failure: Failure | None, at: datetime) -> dict[str, Any]:
        """The assignment that ends the attempt; a call that is still open ends with it."""
        for call in [one for one in self.generation.calls if one.outcome is None]:
            cost = None if call.billable else 0
            ended = {"outcome": Outcome.CANCELLED, "ended_at": at, "maybe_billed": call.billable, "cost": cost}
            self.note_call(call.model_copy(update=ended))
        said = {"code": failure.code, "message": failure.message, "sent": failure.sent} if failure else {}
        attempt = self.attempt.model_copy(update={"outcome": outcome, "ended_at": at, **said})
        return {f"attempts.{attempt.number - 1}": attempt.model_dump(by_alias=True)}

    def _event(self, sequence: int, type: EventType, at: datetime, **more: Any) -> GenerationEvent:
        stage, percent = self.generation.stage, self.generation.percent
        number = self.attempt.number
        return GenerationEvent(
            sequence=sequence, type=type, at=at, attempt=number, stage=stage, percent=percent, **more
        )

    async def _tell(self, changes: dict[str, Any], type: EventType, **more: Any) -> GenerationEvent:
        now = self.now()
        return await self._write_event(changes, lambda sequence: self._event(sequence, type, now, **more))

    async def _write_event(self, changes: dict[str, Any], draft: Callable[[int], GenerationEvent]) -> GenerationEvent:
        event = await self.pen.write(changes, draft)
        if event is None:  # a draft of this kind makes one
            raise LeaseLostError
        return event
