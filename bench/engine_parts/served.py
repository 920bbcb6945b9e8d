"""The server in a process of its own, put together as `regen serve` does it, and what it tells about itself."""

import asyncio
import multiprocessing
import os
import resource
import socket
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import uvloop

from app.bootstrap.parts import assemble
from app.bootstrap.process import working
from app.bootstrap.settling import settle
from app.logs import configure_logs
from app.main import build
from app.serving import Server, server_config
from app.settings import load_settings

_BEAT_S = 0.001
_START_S = 60
_STOP_S = 20
BARE: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(("mongodb_url", "redis_url", "google_api_key", "openai_api_key", "cloudinary_url"))
)
"""No provider, and the embedded database."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of the time since it was last asked: CPU of the process and the longest gap of its loop, in seconds.

    `held_s` is the longest of them that the process did to itself, however busy the machine is: less the time for which
    the system gave the loop's thread no core, and no longer than the process computed meanwhile. `rss_bytes` is the
    memory that it has now, `peak_bytes` the most that it ever had.
    """

    cpu_s: float
    gap_s: float
    held_s: float
    rss_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Served:
    """A running one."""

    url: str
    _connection: Any

    def ask(self) -> Told:
        """What it tells; blocks for a moment."""
        self._connection.send("tell")
        told: Told = self._connection.recv()
        return told


@contextmanager
def served(folder: Path, **settings: Any) -> Generator[Served]:
    """While entered, it serves from that data folder, on a port that is free."""
    ours, theirs = multiprocessing.Pipe()
    given = {**BARE, "data_dir": folder, **settings}
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, given))
    process.start()
    theirs.close()
    try:
        if not ours.poll(_START_S):
            raise TimeoutError
        yield Served(ours.recv(), ours)
        ours.send("stop")
    finally:
        process.join(_STOP_S)
        process.kill()
        ours.close()


def _serve(connection: Connection, given: Mapping[str, Any]) -> None:
    configure_logs(as_json=False, level="WARNING")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(connection, given))


async def _until_told(connection: Connection, given: Mapping[str, Any]) -> None:
    parts = assemble(load_settings(dict(given)))
    listener = socket.create_server(("127.0.0.1", 0))
    async with working(parts) as process:
        server = Server(server_config(parts.settings, build(parts, process.connection.ping)))
        settle()
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listener]))
            connection.send(f"http://127.0.0.1:{listener.getsockname()[1]}")
            async with _heartbeat() as gaps:
                await _answer(connection, gaps)
            server.should_exit = True


class _Gap(NamedTuple):
    """How much later than it should the loop came back, for how much of it it had no core; CPU of the process."""

    late_s: float
    waited_s: float
    cpu_s: float


def _longest(gaps: list[_Gap]) -> tuple[float, float]:
    return (
        max((gap.late_s for gap in gaps), default=0.0),
        max((min(gap.late_s - gap.waited_s, gap.cpu_s) for gap in gaps), default=0.0),
    )


async def _answer(connection: Connection, gaps: list[_Gap]) -> None:
    asked, cpu_s = asyncio.Event(), time.process_time()
    asyncio.get_running_loop().add_reader(connection.fileno(), asked.set)
    while True:
        await asked.wait()
        asked.clear()
        if connection.recv() == "stop":
            break
        now_s, used = time.process_time(), resource.getrusage(resource.RUSAGE_SELF)
        connection.send(Told(now_s - cpu_s, *_longest(gaps), _rss_bytes(), used.ru_maxrss * 1024))
        cpu_s = time.process_time()
        gaps.clear()
    asyncio.get_running_loop().remove_reader(connection.fileno())


def _rss_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


@asynccontextmanager
async def _heartbeat() -> AsyncGenerator[list[_Gap]]:
    """Gaps of a task that sleeps for a millisecond; see proc_pid_schedstat in proc(5) for the second number."""
    gaps: list[_Gap] = []
    schedstat = os.open("/proc/thread-self/schedstat", os.O_RDONLY)

    def waited_s() -> float:
        return int(os.pread(schedstat, 64, 0).split()[1]) / 1e9

    async def beat() -> None:
        before, waited_before, cpu_before = time.perf_counter(), waited_s(), time.process_time()
        while True:
            await asyncio.sleep(_BEAT_S)
            now, waited, cpu = time.perf_counter(), waited_s(), time.process_time()
            gaps.append(_Gap(now - before - _BEAT_S, waited - waited_before, cpu - cpu_before))
            before, waited_before, cpu_before = now, waited, cpu

    task = asyncio.create_task(beat())
    try:
        yield gaps
    finally:
        task.cancel()
        os.close(schedstat)
