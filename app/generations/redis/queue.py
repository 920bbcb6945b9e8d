"""The queue of many processes: streaq on Redis Streams."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from beanie import PydanticObjectId
from coredis import ConnectionPool
from streaq import Worker

from app.generations.redis.desk import Desk
from app.generations.redis.link import UNREACHABLE, connection_pool, kept, place
from app.generations.redis.rings import Bell, registered, rung, worker_options
from app.generations.redis.worker import listen
from app.logs import logger

_log = logger(__name__)
_ANSWER_S = 1.0
REDELIVERY_S = 10.0


@dataclass(slots=True)
class RedisQueue:
    """A stream of ids; an id waits or runs at most once, besides its rings for later.

    `redelivery_s`: a ring that a killed worker took is given to another after this time.
    """

    url: str = field(repr=False)
    redelivery_s: float = REDELIVERY_S
    _bell: Bell | None = None
    _hung: asyncio.Event = field(default_factory=asyncio.Event)
    _torn: asyncio.Event = field(default_factory=asyncio.Event)
    _in_use: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def description(self) -> str:
        """Where it is, without credentials."""
        return f"Redis Streams at {place(self.url)}"

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """While entered, able to ring whenever Redis is there."""

        async def keep(connected: Callable[[], None]) -> None:
            async with connection_pool(self.url, _ANSWER_S) as pool:
                await self._hang_bell(pool, connected)

        async with kept("rings", keep):
            yield

    async def ring(self, generation_id: PydanticObjectId, after_s: float = 0) -> None:
        """Add the id to the stream unless it waits or runs already; within a second, and never raises without Redis.

        One for later is heard up to half a second after its time, which is the clock's of this process.
        """
        if not self._hung.is_set():
            return  # the outage is in the log, and the sweep rings again
        try:
            async with asyncio.timeout(_ANSWER_S):
                while not await self._rang(generation_id, after_s):
                    await self._hung.wait()
        except TimeoutError:
            self._tear()
            _log.warning("ring_not_sent", generation=str(generation_id))

    async def alive(self) -> bool:
        """Whether Redis answers within a second."""
        try:
            async with asyncio.timeout(_ANSWER_S), self._in_use:
                return self._bell is not None and bool(await self._bell.worker.redis.ping())
        except UNREACHABLE:
            return False

    @asynccontextmanager
    async def serve(self, handle: Callable[[PydanticObjectId], Awaitable[None]], slots: int) -> AsyncGenerator[Desk]:
        """Listen whenever Redis is there; at the exit what was cut off is rung for again."""
        desk = Desk(handle, asyncio.Semaphore(slots))
        async with kept("work", partial(listen, self.url, self.redelivery_s, slots, desk)):
            try:
                yield desk
            finally:
                await desk.leave()

    async def _rang(self, generation_id: PydanticObjectId, after_s: float) -> bool:
        async with self._in_use:
            if self._bell is None:
                return False
            try:
                await rung(self._bell, generation_id, after_s)
            except UNREACHABLE:
                self._tear()
                return False
            return True

    def _tear(self) -> None:
        self._hung.clear()
        self._torn.set()

    async def _hang_bell(self, pool: ConnectionPool[Any], connected: Callable[[], None]) -> None:
        """Be able to ring until one ring fails: then streaq's functions may be gone from Redis, too."""

        async def elsewhere(_: str, __: float) -> None:
            """Never runs: this worker only rings."""

        self._torn.clear()
        async with Worker(redis_pool=pool, **worker_options()) as worker:
            self._bell = registered(worker, elsewhere)
            self._hung.set()
            connected()
            try:
                await self._torn.wait()
            finally:
                self._hung.clear()
                async with self._in_use:  # the pool must not close under a ring
                    self._bell = None
        raise ConnectionError(place(self.url))
