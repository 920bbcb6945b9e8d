"""Pages of lists as benchmarks ask for them: the whole application but its socket, over an embedded database."""

import asyncio
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import uvloop

from app.bootstrap.parts import Parts, assemble
from app.bootstrap.process import working
from app.database.servers import embedded
from app.logs import configure_logs
from app.main import build
from app.settings import load_settings
from bench.engine_parts.commands import Commands
from bench.engine_parts.overhead import cpu_s

_WARM, _TIMES = 3, 15
_BARE: Mapping[str, None] = dict.fromkeys(("redis_url", "google_api_key", "openai_api_key", "cloudinary_url"))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with so many things; `variables` are what queries may need."""

    things: int
    variables: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a request: CPU here, time and commands in the median; the CPU of the database's process on average."""

    cpu_ms: float
    database_ms: float
    took_ms: float
    commands: float


type Join = Callable[[Parts, int], Awaitable[Person]]
"""Makes a new person with so many things."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Each of `requests` (by its label), asked by somebody with each of so many things, which are called `what`."""

    what: str
    sizes: Sequence[int]
    requests: Mapping[str, str]
    join: Join

    def run(self) -> None:
        """Print the table, on the event loop of the server and with its settings of the garbage collector."""
        configure_logs(as_json=False, level="WARNING")
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        with (
            tempfile.TemporaryDirectory() as folder,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(self._run(Path(folder)))

    async def _run(self, folder: Path) -> None:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start: times are good where it is near 0")
        commands = Commands()
        commands.listen()
        (folder / "database").mkdir()
        server = embedded(folder / "database")
        await server.start()
        try:
            settings = load_settings({**_BARE, "data_dir": folder, "mongodb_url": server.url})
            await self._measure(assemble(settings), commands, server.pid or 0)
        finally:
            await server.stop()

    async def _measure(self, parts: Parts, commands: Commands, database_pid: int) -> None:
        async with working(parts):
            people = [await self.join(parts, things) for things in self.sizes]
            transport = httpx2.ASGITransport(build(parts, _answers))
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
                print(f"{'':<44} {self.what:>7} {'commands':>9} {'CPU ms':>8} {'database ms':>12} {'took ms':>8}")
                for label, query in self.requests.items():
                    for person in people:
                        cost = await _cost(http, person, query, commands, database_pid)
                        figures = f"{cost.cpu_ms:8.1f} {cost.database_ms:12.1f} {cost.took_ms:8.1f}"
                        print(f"{label:<44} {person.things:>7,} {cost.commands:>9.0f} {figures}")


async def _cost(http: httpx2.AsyncClient, person: Person, query: str, commands: Commands, database_pid: int) -> Cost:
    body = {"query": query, "variables": {name: one for name, one in person.variables.items() if f"${name}" in query}}
    ours, took, sent = list[float](), list[float](), list[int]()
    for _ in range(_WARM):
        await http.post("/graphql", json=body, headers=dict(person.headers))
    before = cpu_s(database_pid)
    for _ in range(_TIMES):
        commands.take()
        started, cpu = time.perf_counter(), time.process_time()
        answer = (await http.post("/graphql", json=body, headers=dict(person.headers))).json()
        ours.append((time.process_time() - cpu) * 1000)
        took.append((time.perf_counter() - started) * 1000)
        sent.append(len(commands.take()))
        assert "errors" not in answer, answer
    database_ms = (cpu_s(database_pid)[1] - before[1]) / _TIMES * 1000
    return Cost(statistics.median(ours), database_ms, statistics.median(took), statistics.median(sent))


async def _answers() -> bool:
    return True
