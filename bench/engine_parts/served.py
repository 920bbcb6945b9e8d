"""The server in a process of its own, put together as `regen serve` does it, and what it tells about itself."""

import asyncio
import multiprocessing
import resource
import socket
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import MappingProxyType
from typing import Any

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

    `rss_bytes` is the memory that it has now, `peak_bytes` the most that it ever had.
    """

    cpu_s: float
    gap_s: float
    rss_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Served:
    """A running one."""

    url: str
    _connection: Connection

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
            async with _heartbeat() as gaps_s:
                await _answer(connection, gaps_s)
            server.should_exit = True


async def _answer(connection: Connection, gaps_s: list[float]) -> None:
    asked, cpu_s = asyncio.Event(), time.process_time()
    asyncio.get_running_loop().add_reader(connection.fileno(), asked.set)
    while True:
        await asked.wait()
        asked.clear()
        if connection.recv() == "stop":
            break
        now_s, used = time.process_time(), resource.getrusage(resource.RUSAGE_SELF)
        connection.send(Told(now_s - cpu_s, max(gaps_s, default=0), _rss_bytes(), used.ru_maxrss * 1024))
        cpu_s = time.process_time()
        gaps_s.clear()
    asyncio.get_running_loop().remove_reader(connection.fileno())


def _rss_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


@asynccontextmanager
async def _heartbeat() -> AsyncGenerator[list[float]]:
    """How much later than it should the loop came back to a task that sleeps for a millisecond."""
    gaps_s: list[float] = []

    async def beat() -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(_BEAT_S)
            now = time.perf_counter()
            gaps_s.append(now - before - _BEAT_S)
            before = now

    task = asyncio.create_task(beat())
    try:
        yield gaps_s
    finally:
        task.cancel()
