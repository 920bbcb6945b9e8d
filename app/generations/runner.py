"""Runs one generation from its claim to its end, and picks up what a crash left behind."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError
from structlog.contextvars import bound_contextvars

from app.errors import AppError, ErrorCode, first_cause
from app.generations.journal import Journal, LeaseLostError, claim, settle
from app.generations.model import Failure, Generation, Outcome, Status
from app.generations.ports import EventHub, Job, WorkQueue
from app.generations.work import Work
from app.logs import logger

_log = logger(__name__)
_SWEPT_AT_ONCE = 200
_LOST_AT_MOST = 5
_TRIED_ENOUGH = Failure(
    code=ErrorCode.INTERNAL,
    message=f"It was begun {_LOST_AT_MOST} times, and each time its worker was lost. Try another picture or wish.",
    retryable=False,
)


@dataclass(frozen=True, slots=True)
class Runner:
    """Claims, renews the lease while the job runs, and writes one fenced end. `jobs` are by a generation's kind."""

    jobs: Mapping[str, Job]
    queue: WorkQueue
    hub: EventHub
    worker: str
    lease_s: float = 15
    sweep_every_s: float = 5

    async def run(self, generation_id: PydanticObjectId) -> None:
        """Answer a ring: nothing happens unless this worker wins the claim."""
        generation = await claim(generation_id, self.worker, self.lease_s)
        if generation is None:
            await self._complete_left_over(generation_id)
            return
        with bound_contextvars(generation=str(generation_id), attempt=generation.attempt):
            try:
                await self._attempt(generation)
            except LeaseLostError:
                _log.warning("lease_lost")
            except PyMongoError as error:  # its lease runs out, and the sweep rings for it again
                _log.warning("database_lost", reason=type(error).__name__)

    async def sweep(self) -> None:
        """Ring, every few seconds and once at the start, for all that is not settled."""
        while True:
            try:
                for generation_id in await Generation.unsettled(_SWEPT_AT_ONCE):
                    await self.queue.ring(generation_id)
            except Exception:  # noqa: BLE001 - the database may be away; the next round tries again
                _log.exception("sweep_failed")
            await asyncio.sleep(self.sweep_every_s)

    async def _attempt(self, generation: Generation) -> None:
        journal = Journal(generation.identity, generation.attempt, generation.last_sequence)
        work = Work(generation, journal, lambda event: self.hub.publish(generation, event))
        try:
            await self.hub.publish(generation, generation.events[-1])
            failure = await self._do(work)
        except asyncio.CancelledError:
            await self._give_back(generation, journal)
            raise
        status = Status.FAILED if failure else Status.SUCCEEDED
        event = await journal.end(status, failure, work.provider_request_id)
        if status is Status.SUCCEEDED:
            await self._complete(generation)
        await self.hub.publish(generation, event)
        _log.info("generation_ended", status=status, code=failure.code if failure else None)

    async def _give_back(self, generation: Generation, journal: Journal) -> None:
        """Put it back into the queue; where that fails, its lease runs out. Never stands in a cancellation's way."""
        try:
            event = await asyncio.shield(journal.give_back())
        except (LeaseLostError, PyMongoError) as error:
            _log.warning("not_given_back", reason=type(error).__name__)
        else:
            await self.hub.publish(generation, event)

    async def _do(self, work: Work) -> Failure | None:
        """The job under its lease; the failure is null when it did all its steps."""
        if sum(attempt.outcome is Outcome.LEASE_LOST for attempt in work.generation.attempts) >= _LOST_AT_MOST:
            return _TRIED_ENOUGH
        failure: Failure | None = None
        try:
            async with asyncio.TaskGroup() as group:
                heartbeat = group.create_task(self._keep_lease(work.journal))
                await self.jobs[work.generation.kind].run(work)
                heartbeat.cancel()
        except* LeaseLostError:
            raise LeaseLostError from None
        except* PyMongoError as errors:
            raise first_cause(errors) from None
        except* Exception as errors:  # noqa: BLE001 - the engine's runner is where every failure becomes data
            failure = _failure_of(errors)
        return failure

    async def _keep_lease(self, journal: Journal) -> None:
        """Renew it, three times in its life; a database that is away is borne until the lease is over."""
        loop = asyncio.get_running_loop()
        held_until = loop.time() + self.lease_s
        while True:
            await asyncio.sleep(self.lease_s / 3)
            began = loop.time()
            try:
                await journal.renew(self.lease_s)
            except PyMongoError:
                if loop.time() >= held_until:
                    raise
            else:
                held_until = began + self.lease_s

    async def _complete(self, generation: Generation) -> None:
        await self.jobs[generation.kind].complete(generation)
        await settle(generation.identity)

    async def _complete_left_over(self, generation_id: PydanticObjectId) -> None:
        found = await Generation.without_events([generation_id])
        generation = found.get(generation_id)
        if generation and generation.status is Status.SUCCEEDED and not generation.settled:
            await self._complete(generation)


def _failure_of(errors: BaseExceptionGroup[BaseException]) -> Failure:
    expected: BaseExceptionGroup[BaseException] | None = errors.subgroup(lambda error: isinstance(error, AppError))
    error = first_cause(expected or errors)
    if isinstance(error, AppError):
        return Failure(
            code=error.code, message=error.message, retryable=error.retryable, retry_after_s=error.retry_after_s
        )
    _log.error("generation_crashed", exc_info=error)
    message = "Something went wrong on our side; it is logged under the generation's id."
    return Failure(code=ErrorCode.INTERNAL, message=message, retryable=True)
