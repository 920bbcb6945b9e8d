"""What listens for rings and answers them: streaq's worker as a guest in this process."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from anyio import TASK_STATUS_IGNORED, CancelScope, CapacityLimiter
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from beanie import PydanticObjectId
from streaq import StreaqRetry, Worker
from streaq.types import StreamMessage

from app.generations.redis.link import connection_options
from app.generations.redis.rings import registered, worker_options
from app.logs import logger

_log = logger(__name__)
_ANSWER_S = 1.0


@dataclass(slots=True)
class Desk:
    """Answers rings, as many at once as `free` has slots, whichever connection they came by.

    What runs goes on when Redis is lost; what waits for a slot then is left to the sweep.
    """

    handle: Callable[[PydanticObjectId], Awaitable[None]]
    free: asyncio.Semaphore
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    waiting: set[str] = field(default_factory=set[str])
    leaving: bool = False

    async def answer(self, ring: str, over: asyncio.Future[None]) -> None:
        """Handle it until it is done or the connection is `over`.

        Raises:
            StreaqRetry: it was not done; another worker shall hear it at once.
        """
        if self.leaving:
            raise StreaqRetry(delay=0)
        if ring in self.running:
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


class _Listener(Worker[None]):
    """A worker that leaves the signals alone; `over` is done when it listens no more."""

    over: asyncio.Future[None]

    async def signal_handler(self, scope: CancelScope) -> None:
        """Leave the signals to the process."""

    async def run_consumers(
        self,
        receive: MemoryObjectReceiveStream[StreamMessage],
        renew_scope: CancelScope,
        produce_scope: CancelScope,
        *,
        task_status: TaskStatus[CapacityLimiter] = TASK_STATUS_IGNORED,
    ) -> None:
        """Answer rings; close the stream they come by, which the library leaves open."""
        with receive:
            await super().run_consumers(receive, renew_scope, produce_scope, task_status=task_status)

    async def producer(
        self, queue: MemoryObjectSendStream[StreamMessage], limiter: CapacityLimiter, scope: CancelScope
    ) -> None:
        """Listen for rings."""
        try:
            await super().producer(queue, limiter, scope)
        finally:
            self.over.set_result(None)


async def listen(url: str, redelivery_s: float, slots: int, desk: Desk, connected: Callable[[], None]) -> None:
    """Take rings to the desk, until the connection is lost; then it raises.

    `redelivery_s`: a ring that this worker took is another's when this one was silent for so long.
    """
    loop = asyncio.get_running_loop()
    over = loop.create_future()

    @asynccontextmanager
    async def listening() -> AsyncGenerator[None]:
        connected()
        yield

    async def answer(ring: str) -> None:
        await desk.answer(ring, over)

    options = connection_options(redelivery_s + _ANSWER_S)
    del options["decode_responses"]  # streaq sets it itself
    listener = _Listener(
        url,
        redis_kwargs=options,
        concurrency=slots,
        lifespan=listening,
        idle_timeout=redelivery_s,
        **worker_options(),
    )
    listener.over = over
    listener.prefetch = slots  # nothing waits here that another worker could do
    registered(listener, answer)
    # streaq shields what it still has to say: a Redis that hangs must not hold up the exit
    over.add_done_callback(lambda _: loop.call_later(_ANSWER_S, listener.redis.connection_pool.disconnect))
    await listener.run_async()
