"""What listens for rings: streaq's worker as a guest in this process."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from anyio import TASK_STATUS_IGNORED, CancelScope, CapacityLimiter
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from streaq import Worker
from streaq.types import Entries, StreamMessage

from app.generations.redis.desk import Desk
from app.generations.redis.link import UNREACHABLE, connection_options
from app.generations.redis.rings import registered, worker_options

_ANSWER_S = 1.0


class _HungUpError(Exception):
    """No more rings are taken."""


class _Listener(Worker[None]):
    """A worker that leaves the signals alone.

    Once the desk is closed it takes no more rings, and stays to report those it took. `over` is done when it is gone.
    """

    desk: Desk
    name: str
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
        """Answer rings until there come no more; close the stream they come by, which the library leaves open."""
        with receive:
            await super().run_consumers(receive, renew_scope, produce_scope, task_status=task_status)
        self.desk.reported.set()

    async def producer(
        self, queue: MemoryObjectSendStream[StreamMessage], limiter: CapacityLimiter, scope: CancelScope
    ) -> None:
        """Listen for rings."""
        try:
            async with queue, asyncio.TaskGroup() as group:
                hanging_up = group.create_task(self._hang_up())
                with suppress(_HungUpError):
                    await super().producer(queue.clone(), limiter, scope)
                await hanging_up
            await asyncio.Event().wait()
        finally:
            self.over.set_result(None)

    async def _read_streams_legacy(self, count: int, block: bool = False) -> Entries:  # noqa: FBT001, FBT002 - streaq's
        self._stay_on()
        return await super()._read_streams_legacy(count, block)

    async def _read_streams_max_count(self, count: int, block: bool = False) -> Entries:  # noqa: FBT001, FBT002 - streaq's
        self._stay_on()
        return await super()._read_streams_max_count(count, block)

    def _stay_on(self) -> None:
        if self.desk.closed.is_set():
            raise _HungUpError

    async def _hang_up(self) -> None:
        """Have Redis answer the read that waits for rings; were it cut off, a ring on its way would wait for long.

        Where it may not, the read ends by itself, and what it still brings is refused.
        """
        await self.desk.closed.wait()
        with suppress(*UNREACHABLE):
            for client in await self.redis.client_list():
                if client["name"] == self.name:
                    await self.redis.client_unblock(client["id"])


async def listen(url: str, redelivery_s: float, slots: int, desk: Desk, connected: Callable[[], None]) -> None:
    """Take rings to the desk, until the connection is lost; then it raises, and stays out of a closed one.

    `redelivery_s`: a ring that this worker took is another's when this one was silent for so long.
    """
    if desk.closed.is_set():
        await asyncio.Event().wait()
    desk.reported.clear()
    try:
        await _listener(url, redelivery_s, slots, desk, connected).run_async()
    finally:
        desk.reported.set()


def _listener(url: str, redelivery_s: float, slots: int, desk: Desk, connected: Callable[[], None]) -> _Listener:
    loop = asyncio.get_running_loop()
    over = loop.create_future()

    @asynccontextmanager
    async def listening() -> AsyncGenerator[None]:
        connected()
        yield

    async def answer(ring: str, after_s: float) -> None:
        await desk.answer(ring, after_s, over)

    options = connection_options(redelivery_s + _ANSWER_S)
    del options["decode_responses"]  # streaq sets it itself
    name = f"regen-{uuid4().hex}"
    listener = _Listener(
        url,
        redis_kwargs=options | {"client_name": name},
        concurrency=slots,
        lifespan=listening,
        idle_timeout=redelivery_s,
        **worker_options(),
    )
    listener.desk, listener.name, listener.over = desk, name, over
    listener.prefetch = slots  # nothing waits here that another worker could do
    registered(listener, answer)
    # streaq shields what it still has to say: a Redis that hangs must not hold up the exit
    over.add_done_callback(lambda _: loop.call_later(_ANSWER_S, listener.redis.connection_pool.disconnect))
    return listener
