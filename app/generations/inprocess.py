"""The queue and the event hub of one process, when no Redis is set up."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from beanie import PydanticObjectId

from app.generations.events import GenerationEvent
from app.generations.followers import CallOffs, Follower, Followers, News
from app.logs import logger

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Loops:
    """The loops that serve a queue."""

    tasks: tuple[asyncio.Task[None], ...]
    stop: Callable[[], None]

    async def drain(self, grace_s: float) -> None:
        """Let each loop end after what it runs; what waits then, the sweep of the next process rings for."""
        self.stop()
        await asyncio.wait(self.tasks, timeout=grace_s)


@dataclass(slots=True)
class InProcessQueue:
    """Ids in memory; what is lost with the process, the sweep rings for again.

    It is bounded by what is unsettled: an id waits at most once, besides its rings for later.
    """

    _waiting: dict[PydanticObjectId, None] = field(default_factory=dict[PydanticObjectId, None])
    _running: set[PydanticObjectId] = field(default_factory=set[PydanticObjectId])
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _stopped: bool = False

    @property
    def description(self) -> str:
        """One process, no Redis."""
        return "in this process (local)"

    async def ring(self, generation_id: PydanticObjectId, after_s: float = 0) -> None:
        """Put the id at the end unless it waits or runs already, or later, whether it runs then or not."""
        if after_s > 0:
            asyncio.get_running_loop().call_later(after_s, self._put, generation_id)
        elif generation_id not in self._running:
            self._put(generation_id)

    async def alive(self) -> bool:
        """Always: it lives as long as the process."""
        return True

    @asynccontextmanager
    async def serve(self, handle: Callable[[PydanticObjectId], Awaitable[None]], slots: int) -> AsyncGenerator[_Loops]:
        """Run `slots` loops that each take the oldest id which does not run."""
        self._stopped = False
        async with asyncio.TaskGroup() as group:
            loops = tuple(group.create_task(self._loop(handle)) for _ in range(slots))
            try:
                yield _Loops(loops, self._stop)
            finally:
                for loop in loops:
                    loop.cancel()

    def _put(self, generation_id: PydanticObjectId) -> None:
        self._waiting[generation_id] = None
        self._bell.set()

    def _stop(self) -> None:
        self._stopped = True
        self._bell.set()

    async def _loop(self, handle: Callable[[PydanticObjectId], Awaitable[None]]) -> None:
        while not self._stopped:
            generation_id = next((one for one in self._waiting if one not in self._running), None)
            if generation_id is None:
                self._bell.clear()
                await self._bell.wait()
                continue
            del self._waiting[generation_id]
            self._running.add(generation_id)
            try:
                await handle(generation_id)
            except Exception:  # noqa: BLE001 - the loop must outlive a database that is away; the sweep rings again
                _log.exception("ring_not_answered", generation=str(generation_id))
            finally:
                self._running.discard(generation_id)


@dataclass(frozen=True, slots=True)
class InProcessHub:
    """Hands each event to who follows it; a slow one never slows another."""

    followers: Followers = field(default_factory=Followers)
    _call_offs: CallOffs = field(default_factory=CallOffs)

    async def publish(
        self, owner_id: PydanticObjectId, generation_id: PydanticObjectId, event: GenerationEvent
    ) -> None:
        """Offer the event to each buffer; never waits."""
        self.followers.offer(owner_id, News(generation_id, event))

    def follow(
        self, owner_id: PydanticObjectId, generation_id: PydanticObjectId | None
    ) -> AbstractAsyncContextManager[Follower]:
        """Register at once."""
        return self.followers.joined(owner_id, generation_id)

    async def call_off(self, generation_id: PydanticObjectId) -> None:
        """Hand the id to who runs work in this process; never waits."""
        self._call_offs.offer(generation_id)

    @asynccontextmanager
    async def called_off(self) -> AsyncGenerator[AsyncIterator[PydanticObjectId]]:
        """Register at once."""
        with self._call_offs.heard() as ids:
            yield ids
