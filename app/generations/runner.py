"""Runs one generation from its claim to its end, or to its next attempt."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from beanie import PydanticObjectId
from pymongo.errors import ConnectionFailure, PyMongoError
from structlog.contextvars import bound_contextvars

from app.database.absence import Absence
from app.errors import AppError, ErrorCode, first_cause
from app.generations.attempts import Failure
from app.generations.cancelling import cancel_idle
from app.generations.claims import claim
from app.generations.closing import Closing
from app.generations.journal import Journal
from app.generations.model import Status
from app.generations.pen import LeaseLostError
from app.generations.ports import EventHub, Job, WorkQueue
from app.generations.retries import RetryPolicy, lost_too_often
from app.generations.slots import ProviderLimits
from app.generations.switch import Switch
from app.generations.work import Work
from app.logs import logger

_log = logger(__name__)
_GIVE_BACK_S = 2.0
_AWAY_S = 60.0
_LOST: Final = Failure(
    code=ErrorCode.INTERNAL,
    message="It was begun several times, and each time its worker was lost. Try another picture or wish.",
    retryable=False,
)


class CalledOffError(Exception):
    """Somebody wants this generation to be cancelled."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Claims, renews the lease while the job runs, and writes one fenced end. `jobs` are by a generation's kind."""

    jobs: Mapping[str, Job]
    queue: WorkQueue
    hub: EventHub
    closing: Closing
    worker: str
    limits: ProviderLimits
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    switch: Switch = field(default_factory=Switch)
    lease_s: float = 15
    _running: dict[PydanticObjectId, Journal] = field(default_factory=dict[PydanticObjectId, Journal])

    async def run(self, generation_id: PydanticObjectId) -> None:
        """Answer a ring: nothing happens unless this worker wins the claim."""
        if self.switch.off:
            return
        generation = await claim(generation_id, self.worker, self.lease_s)
        if generation is None:
            await self.closing.complete_left_over(generation_id)
            return
        with bound_contextvars(
            generation=str(generation_id), attempt=generation.attempt, request_id=generation.request_id
        ):
            try:
                await self._attempt(Journal.of(generation, _AWAY_S))
            except LeaseLostError:
                _log.warning("lease_lost")
            except PyMongoError as error:  # its lease runs out, and the sweep rings for it again
                away = isinstance(error, ConnectionFailure) or error.timeout
                _log.warning("database_lost", reason=type(error).__name__, exc_info=None if away else error)

    async def heed_cancels(self) -> None:
        """For ever: call off what runs here as soon as any process cancels it."""
        async with self.hub.called_off() as ids:
            async for generation_id in ids:
                if journal := self._running.get(generation_id):
                    journal.cancel_requested.set()

    async def _attempt(self, journal: Journal) -> None:
        generation = journal.generation
        publish = partial(self.hub.publish, generation.owner_id, generation.identity)
        self._running[generation.identity] = journal
        try:
            await publish(generation.events[-1])
            ends_at = self.retries.ends_at(generation)
            status, failure = await self._do(Work(journal, publish, self.limits, self.closing.budgets, ends_at))
            delay_s = None
            if failure and journal.cancel_requested.is_set():  # only a result wins over a cancel
                status, failure = Status.CANCELLED, None
            if failure:
                delay_s = self.retries.delay_s(generation, failure, journal.now())
            if failure and delay_s is not None:
                await self._try_again(journal, failure, delay_s)
                return
            event = await journal.end(status, failure)
        except asyncio.CancelledError:
            await self._give_back(journal)
            raise
        finally:
            del self._running[generation.identity]
        _log.info("generation_ended", status=status, code=failure.code if failure else None)
        await self.closing.close(generation, status, event)

    async def _try_again(self, journal: Journal, failure: Failure, delay_s: float) -> None:
        generation = journal.generation
        event = await journal.retry(failure, delay_s)
        await self.hub.publish(generation.owner_id, generation.identity, event)
        _log.info("generation_retries", code=failure.code, delay_s=round(delay_s, 2))
        if journal.cancel_requested.is_set() and (cancelled := await cancel_idle(generation.identity)):
            await self.closing.close(cancelled, cancelled.status, cancelled.events[-1])
        else:
            await self.queue.ring(generation.identity, delay_s)

    async def _give_back(self, journal: Journal) -> None:
        """Let another worker go on; where that fails, its lease runs out. Never stands in a cancellation's way."""
        generation = journal.generation
        try:
            async with asyncio.timeout(_GIVE_BACK_S):
                event = await journal.give_back()
                await self.hub.publish(generation.owner_id, generation.identity, event)
        except (LeaseLostError, PyMongoError, TimeoutError) as error:
            _log.warning("not_given_back", reason=type(error).__name__)

    async def _do(self, work: Work) -> tuple[Status, Failure | None]:
        """The job under its lease: how it ended, and why it failed."""
        journal = work.journal
        if work.generation.cancel_requested_at is not None:
            return Status.CANCELLED, None
        if lost_too_often(work.generation):
            return Status.FAILED, _LOST
        if late := self.retries.came_too_late(work.generation):
            return Status.FAILED, late
        try:
            async with asyncio.TaskGroup() as group:
                beside = (self._keep_lease(journal), _heed_cancel(journal), work.tell_late())
                tasks = [group.create_task(one) for one in beside]
                await self.jobs[work.generation.kind].run(work)
                for task in tasks:
                    task.cancel()
        except ExceptionGroup as errors:
            return _verdict(errors)
        return Status.SUCCEEDED, None

    async def _keep_lease(self, journal: Journal) -> None:
        """Renew it, three times in its life.

        A database that is away is borne even when the lease is over by then: while nobody else could claim, the
        fence still lets this attempt through.
        """
        absence = Absence(_AWAY_S)
        while True:
            await asyncio.sleep(self.lease_s / 3)
            try:
                await journal.renew(self.lease_s)
            except PyMongoError as error:
                await absence.bear(error)
            else:
                absence.over()


async def _heed_cancel(journal: Journal) -> None:
    await journal.cancel_requested.wait()
    raise CalledOffError


def _verdict(errors: ExceptionGroup[Exception]) -> tuple[Status, Failure | None]:
    """What the errors of an attempt mean, the most pressing first.

    Raises:
        LeaseLostError: the attempt has nothing more to say.
        PyMongoError: the database was away for too long, or is broken.
    """
    if errors.subgroup(LeaseLostError):
        raise LeaseLostError from None
    if errors.subgroup(CalledOffError):
        return Status.CANCELLED, None
    if broken := errors.subgroup(PyMongoError):
        raise first_cause(broken) from None
    return Status.FAILED, _failure_of(errors)


def _failure_of(errors: ExceptionGroup[Exception]) -> Failure:
    expected: BaseExceptionGroup[BaseException] | None = errors.subgroup(lambda error: isinstance(error, AppError))
    error = first_cause(expected or errors)
    if isinstance(error, AppError):
        return Failure(
            code=error.code,
            message=error.message,
            retryable=error.retryable,
            retry_after_s=error.retry_after_s,
            sent=error.call.sent if error.call else True,
        )
    _log.error("generation_crashed", exc_info=error)
    message = "Something went wrong on our side; it is logged under the generation's id."
    return Failure(code=ErrorCode.INTERNAL, message=message, retryable=True)
