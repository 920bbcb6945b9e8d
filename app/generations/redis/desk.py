"""Where rings are answered, whichever connection they came by."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from beanie import PydanticObjectId
from streaq import StreaqRetry

from app.logs import logger

_log = logger(__name__)
_BUSY_S = 1


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True)
class Desk:
    """Answers rings, as many at once as `free` has slots.

    What runs goes on when Redis is lost; what waits for a slot then is left to the sweep. Once it is `closed`,
    nothing is begun any more. `reported` is set while no connection brings rings or has to tell how they went.
    """

    handle: Callable[[PydanticObjectId], Awaitable[None]]
    free: asyncio.Semaphore
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    waiting: set[str] = field(default_factory=set[str])
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    reported: asyncio.Event = field(default_factory=_set)
    leaving: bool = False

    async def answer(self, ring: str, after_s: float, over: asyncio.Future[None]) -> None:
        """Handle it until it is done or the connection is `over`; what runs already, only a ring for later waits for.

        Raises:
            StreaqRetry: it was not done; another worker shall hear it at once, or this one when the id is free.
        """
        if self.leaving or self.closed.is_set():
            raise StreaqRetry(delay=0)
        if ring in self.running:
            if after_s > 0:
                raise StreaqRetry(delay=_BUSY_S)
            return
        self.waiting.add(ring)
        task = self.running[ring] = asyncio.create_task(self._handle(ring))
        task.add_done_callback(lambda _: self._forget(ring))  # even when it is cancelled before it begins
        await asyncio.wait([task, over], return_when=asyncio.FIRST_COMPLETED)
        if ring in self.waiting or self.leaving:
            task.cancel()
            await asyncio.wait([task])
        if task.cancelled():
            raise StreaqRetry(delay=0)

    async def drain(self, grace_s: float) -> None:
        """Hand back what waits, and give what runs `grace_s` seconds to end and to be reported."""
        self.closed.set()
        for ring in self.waiting:
            self.running[ring].cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self.reported.wait()
                while self.running:
                    await asyncio.wait(tuple(self.running.values()))

    async def leave(self) -> None:
        """Cancel what runs, and answer nothing any more."""
        self.leaving = True
        tasks = tuple(self.running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _handle(self, ring: str) -> None:
        try:
            async with self.free:
                self.waiting.discard(ring)
                await self.handle(PydanticObjectId(ring))
        except Exception:  # noqa: BLE001 - the loop must outlive a database that is away; the sweep rings again
            _log.exception("ring_not_answered", generation=ring)

    def _forget(self, ring: str) -> None:
        self.waiting.discard(ring)
        del self.running[ring]
