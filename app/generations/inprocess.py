"""The queue and the event hub of one process, when no Redis is set up."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from beanie import PydanticObjectId

from app.generations.events import GenerationEvent
from app.generations.followers import Followers
from app.generations.model import Generation
from app.logs import logger

_log = logger(__name__)
_RECHECK_S = 5.0


@dataclass(slots=True)
class InProcessQueue:
    """Ids in memory; what is lost with the process, the sweep rings for again.

    It is bounded by what is unsettled: an id waits at most once.
    """

    _waiting: dict[PydanticObjectId, None] = field(default_factory=dict[PydanticObjectId, None])
    _running: set[PydanticObjectId] = field(default_factory=set[PydanticObjectId])
    _bell: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def description(self) -> str:
        """One process, no Redis."""
        return "in this process (local)"

    async def ring(self, generation_id: PydanticObjectId) -> None:
        """Put the id at the end unless it waits or runs already."""
        async with self._bell:
            if generation_id not in self._running:
                self._waiting[generation_id] = None
                self._bell.notify()

    async def alive(self) -> bool:
        """Always: it lives as long as the process."""
        return True

    @asynccontextmanager
    async def serve(self, handle: Callable[[PydanticObjectId], Awaitable[None]], slots: int) -> AsyncGenerator[None]:
        """Run `slots` loops that each take the oldest id."""
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(self._loop(handle)) for _ in range(slots)]
            try:
                yield
            finally:
                for loop in loops:
                    loop.cancel()

    async def _loop(self, handle: Callable[[PydanticObjectId], Awaitable[None]]) -> None:
        while True:
            async with self._bell:
                await self._bell.wait_for(lambda: self._waiting)
                generation_id = next(iter(self._waiting))
                del self._waiting[generation_id]
                self._running.add(generation_id)
            try:
                await handle(generation_id)
            except Exception:  # noqa: BLE001 - the loop must outlive a database that is away; the sweep rings again
                _log.exception("ring_not_answered", generation=str(generation_id))
            finally:
                self._running.discard(generation_id)


@dataclass(slots=True)
class InProcessHub:
    """Hands each event to the followers of its generation; a slow one never slows another."""

    recheck_s: float = _RECHECK_S
    _followers: Followers = field(default_factory=Followers)

    @property
    def followers(self) -> int:
        """How many follow something now."""
        return self._followers.count

    async def publish(self, generation: Generation, event: GenerationEvent) -> None:
        """Offer the event to each buffer; never waits."""
        self._followers.offer(generation.identity, event)

    @asynccontextmanager
    async def follow(self, generation_id: PydanticObjectId) -> AsyncGenerator[AsyncIterator[GenerationEvent | None]]:
        """Register at once; a null comes where events were missed, and at least every `recheck_s` seconds."""
        with self._followers.joined(generation_id) as follower:
            yield follower.events(self.recheck_s)
