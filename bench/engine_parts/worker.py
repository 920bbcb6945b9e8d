"""A worker in a process of its own: `python -m bench.engine_parts.worker MONGODB_URL DATABASE REDIS_URL`.

It says when it is ready, answers each line with what it saw since the last one, and leaves at the end of its input.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from pydantic import TypeAdapter

from app.logs import configure_logs
from bench.engine_parts.jobs import STAMPED, Seen, StampedJob
from bench.engine_parts.process import database, over_redis

_ROOT = Path(__file__).parent.parent.parent
_SEEN = TypeAdapter(Seen)
_LINE_BYTES = 1 << 24
_LEAVE_S = 10


@asynccontextmanager
async def worker_process(mongodb_url: str, name: str, redis_url: str) -> AsyncGenerator[Callable[[], Awaitable[Seen]]]:
    """While entered, there is one; it is asked for what it saw."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.engine_parts.worker", mongodb_url, name, redis_url),
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    says, hears = process.stdout, process.stdin

    async def seen() -> Seen:
        hears.write(b"\n")
        return _SEEN.validate_json(await says.readline())

    try:
        assert await says.readline() == b"ready\n"
        yield seen
    finally:
        hears.close()
        try:
            await asyncio.wait_for(process.wait(), _LEAVE_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _work(mongodb_url: str, name: str, redis_url: str) -> None:
    job = StampedJob()
    async with (
        database(mongodb_url, name),
        over_redis({STAMPED: job}, redis_url) as engine,
        engine.working(job.heard(engine.runner.run)),
    ):
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(_SEEN.dump_json(job.take()).decode(), flush=True)


if __name__ == "__main__":
    configure_logs(as_json=False, level="WARNING")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(*sys.argv[1:]))
