"""The two ways to run it: all in one process, or work and its followers in two with Redis between them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from bench.engine_parts.jobs import STAMPED, Seen, StampedJob
from bench.engine_parts.process import Engine, database, in_process, over_redis
from bench.engine_parts.worker import worker_process

_LOOK_S, _WITHIN_S = 0.1, 15


@dataclass(frozen=True, slots=True)
class Side:
    """Where generations are started and followed; `seen` asks the process that works on them."""

    name: str
    engine: Engine
    seen: Callable[[], Awaitable[Seen]]

    async def seen_of(self, wanted: set[str]) -> Seen:
        """What was seen since the last time, once all those are done with or 15 seconds are over."""
        seen = Seen()
        with suppress(TimeoutError):
            async with asyncio.timeout(_WITHIN_S):
                while wanted - seen.done_s.keys():
                    await asyncio.sleep(_LOOK_S)
                    seen.add(await self.seen())
        return seen


@asynccontextmanager
async def together(mongodb_url: str, name: str) -> AsyncGenerator[Side]:
    """One process does all."""
    job = StampedJob()

    async def seen() -> Seen:
        return job.take()

    engine = in_process({STAMPED: job})
    async with database(mongodb_url, name), engine.working(job.heard(engine.runner.run)):
        yield Side("in process", engine, seen)


@asynccontextmanager
async def apart(mongodb_url: str, name: str, redis_url: str) -> AsyncGenerator[Side]:
    """This process starts and follows, another works."""
    async with (
        database(mongodb_url, name),
        worker_process(mongodb_url, name, redis_url) as seen,
        over_redis({}, redis_url) as engine,
        engine.working(None),
    ):
        yield Side("with Redis", engine, seen)
