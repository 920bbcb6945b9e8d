"""What the engine itself costs: CPU of a generation, memory of a follower."""

import asyncio
import gc
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from beanie import PydanticObjectId

from app.generations.following import progress
from app.generations.model import Generation
from bench.engine_parts.figures import line
from bench.engine_parts.jobs import LIKE_ORNAMENT, STAMPED, JobLikeOrnament, StampedJob, recipe
from bench.engine_parts.process import Engine, database, in_process

_WARM, _COUNT = 5, 30
_OWNERS = 20
_FOLLOWED, _FOLLOWERS, _WARM_FOLLOWERS = 20, 1_000, 50
_USER_TIME, _SYSTEM_TIME = 11, 12


async def cpu(mongodb_url: str, database_pid: int) -> None:
    """Print milliseconds of CPU a generation, of this process and of the database's."""
    engine = in_process({LIKE_ORNAMENT: JobLikeOrnament()})
    async with database(mongodb_url, "cpu"):
        await _run(engine, await _start(engine, _WARM))
        before = cpu_s(database_pid)
        generations = await _start(engine, _COUNT)
        between = cpu_s(database_pid)
        await _run(engine, generations)
        after = cpu_s(database_pid)
    for process, ours in enumerate(("this process", "the database's process")):
        line(f"CPU of a start, {ours}", (between[process] - before[process]) / _COUNT * 1000, "ms")
        line(f"CPU of a run to success, {ours}", (after[process] - between[process]) / _COUNT * 1000, "ms")


async def memory(mongodb_url: str) -> None:
    """Print what a follower takes of this process's memory."""
    engine = in_process({STAMPED: StampedJob()})
    async with database(mongodb_url, "memory"):
        start = engine.generations.start
        followed = [await start(PydanticObjectId(), STAMPED, recipe(), None) for _ in range(_FOLLOWED)]
        await _memory_of(engine, followed, _WARM_FOLLOWERS)
        taken_bytes = await _memory_of(engine, followed, _FOLLOWERS)
    line(f"memory of a follower, of {_FOLLOWERS:,} open ones", taken_bytes / _FOLLOWERS / 1024, "KiB")


async def _start(engine: Engine, count: int) -> list[Generation]:
    owners = [PydanticObjectId() for _ in range(_OWNERS)]
    start = engine.generations.start
    return [await start(owners[number % _OWNERS], LIKE_ORNAMENT, recipe(), None) for number in range(count)]


async def _run(engine: Engine, generations: Sequence[Generation]) -> None:
    for generation in generations:
        await engine.runner.run(generation.identity)


async def _memory_of(engine: Engine, followed: Sequence[Generation], count: int) -> int:
    """Bytes by which so many followers make this process larger."""
    async with AsyncExitStack() as stack:
        before = _resident_bytes()
        for number in range(count):
            caught_up = asyncio.Event()
            task = asyncio.create_task(_follow(engine, followed[number % len(followed)], caught_up))
            stack.callback(task.cancel)
            await caught_up.wait()
        return _resident_bytes() - before


async def _follow(engine: Engine, generation: Generation, caught_up: asyncio.Event) -> None:
    async for _ in progress(engine.hub, generation.owner_id, generation.identity, 0):
        caught_up.set()


def _resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_s(other_pid: int) -> tuple[float, float]:
    """Seconds of CPU so far, of this process and of the other, all threads: proc(5), `stat`."""
    fields = Path(f"/proc/{other_pid}/stat").read_text().rpartition(")")[-1].split()
    ticks = int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])
    return time.process_time(), ticks / os.sysconf("SC_CLK_TCK")
