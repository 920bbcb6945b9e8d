"""What comes after a generation's end was written: its result, its last event, and the next one of its owner."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.costs.budgets import Budgets
from app.database.document import utc_now
from app.generations.events import GenerationEvent
from app.generations.lanes import Lane
from app.generations.model import Generation, Status
from app.generations.ports import EventHub, Job, Loss, WorkQueue
from app.generations.purse import settle
from app.logs import logger

_log = logger(__name__)
_NEWS = timedelta(seconds=15)
"""Who begins to follow an owner later than this after an end is not told of it, and shall not be by a left-over."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Each of its steps is safe to repeat; the sweep rings for what a crash left in between.

    `window`: how many of an owner may run at once. `losses` are by kind, of those that have something to write when
    they don't succeed.
    """

    jobs: Mapping[str, Job]
    queue: WorkQueue
    hub: EventHub
    window: int
    budgets: Budgets = field(default_factory=Budgets)
    losses: Mapping[str, Loss] = field(default_factory=dict[str, Loss])

    async def close(self, generation: Generation, status: Status, event: GenerationEvent) -> None:
        """Write what it leaves, tell the end, and ring for the owner's next."""
        is_written = False
        try:
            await self._write(generation, status)
            is_written = True
        except PyMongoError:
            raise
        except Exception:  # noqa: BLE001 - it stays unsettled, and must hold up neither its followers nor its owner's next
            _log.exception("result_not_written")
        await self.hub.publish(generation.owner_id, generation.identity, event)
        if is_written:
            await Generation.settle(generation.identity)
            generation.settled = True
        await settle(self.budgets, generation)
        await self.free(generation)

    async def free(self, generation: Generation) -> None:
        """Take it out of its owner's lane and ring for those that come into the window."""
        for admitted in await Lane.leave(generation.owner_id, [generation.identity], self.window):
            await self.queue.ring(admitted)

    async def complete_left_over(self, generation_id: PydanticObjectId) -> None:
        """What a crash left undone of a generation that has ended; nothing happens to others."""
        generation = (await Generation.without_events([generation_id])).get(generation_id)
        if generation is None or not generation.status.ended or generation.settled:
            return
        await self._write(generation, generation.status)
        await self._tell_again(generation)
        await Generation.settle(generation_id)
        await settle(self.budgets, generation)
        await self.free(generation)

    async def _write(self, generation: Generation, status: Status) -> None:
        """The result of a success, or what another end leaves."""
        if status is Status.SUCCEEDED:
            await self.jobs[generation.kind].complete(generation)
        elif loss := self.losses.get(generation.kind):
            await loss(generation)

    async def _tell_again(self, generation: Generation) -> None:
        """Tell the end, which the crash may have kept from its followers; those who know it drop it by its number."""
        if generation.ended_at is None or generation.ended_at < utc_now() - _NEWS:
            return
        for event in await Generation.events_after(generation.identity, generation.last_sequence - 1):
            await self.hub.publish(generation.owner_id, generation.identity, event)
