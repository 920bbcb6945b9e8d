"""A whole installation on this machine: a database, a Redis, a Gemini, and any number of servers and workers.

Everything is started by the test and ended by its process id. What starts or stops a process does so off the
event loop, because the gates that the process talks through live in it.
"""

import asyncio
import base64
import io
import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from tests.contract.conftest import RedisServer, running_redis
from tests.e2e.client import Client
from tests.e2e.server import Server, running
from tests.faults.census import Census, take_census
from tests.faults.database import Database, running_database
from tests.faults.provider import Gemini, serving_gemini
from tests.faults.redis_gate import RedisGate, redis_gate_before
from tests.faults.tollgate import Tollgate, tollgate_before

_PHOTO = Path(__file__).parent.parent / "photos" / "car-1.jpg"
_PHOTO_PX = 200
_LOG_LINES = 15
_TRIES = 8  # a burst on a busy machine may find the database late: a client with idempotency keys asks again
_POLL_S = 0.1
_SETTLED_S = 120.0
_PATIENCE_MS = "60000"
_QUICK = {
    "LEASE_S": "2",
    "SWEEP_EVERY_S": "0.3",
    "SOCKETS_PER_USER": "0",
    "JWT_SECRET": "a secret of this test's own, 32 or more",
    "MEDIA_URL_KEY": "a key of this test's own, with 32 or more",
}


def small_photo(number: int = 0) -> bytes:
    """A JPEG of about 200 pixels, which is taken in quickly; another one for each number."""
    buffer = io.BytesIO()
    with Image.open(_PHOTO) as photo:
        photo.thumbnail((_PHOTO_PX + number, _PHOTO_PX + number))
        photo.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def document_id(global_id: str) -> str:
    """The id in the database of what the API calls by a global id."""
    return base64.b64decode(global_id).decode().partition(":")[2]


@dataclass(eq=False)
class Process:
    """A server or a worker, and the gates that it talks through, if it has any."""

    name: str
    server: Server
    running: AbstractContextManager[Server]
    database_gate: Tollgate | None
    events_gate: RedisGate | None

    @property
    def tollgate(self) -> Tollgate:
        """Its way to the database."""
        assert self.database_gate is not None, f"{self.name} was started without a tollgate"
        return self.database_gate

    @property
    def redis_gate(self) -> RedisGate:
        """Its way to Redis."""
        assert self.events_gate is not None, f"{self.name} was started without a Redis gate"
        return self.events_gate

    @property
    def alive(self) -> bool:
        return self.server.process.poll() is None

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        return await asyncio.to_thread(self.server.stop, how)

    async def kill(self) -> None:
        """SIGKILL."""
        await self.stop(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: it holds what it has and does nothing."""
        self.server.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self.server.resume()

    def log_tail(self) -> str:
        """The last it said."""
        state = "runs" if self.alive else f"ended with {self.server.process.returncode}"
        return f"--- {self.name} ({state})\n{''.join(self.server.log[-_LOG_LINES:])}"

    async def leave(self) -> None:
        """End it if it still runs."""
        if self.alive:
            await self.kill()
        await asyncio.to_thread(self.running.__exit__, None, None, None)


@dataclass(eq=False)
class Plant:
    """The parts. `settings` are those of every process; a process's own come on top."""

    folder: Path
    database: Database
    documents: AsyncDatabase[dict[str, Any]]
    redis: RedisServer | None
    gemini: Gemini
    settings: dict[str, str]
    at_the_end: AsyncExitStack = field(repr=False)
    processes: list[Process] = field(default_factory=list[Process])

    @property
    def data_dir(self) -> Path:
        """The folder that all processes share: `media` is in it."""
        return self.folder / "data"

    async def api(self, *, tollgate: bool = False, redis_gate: bool = False, **settings: str) -> Process:
        """One more server; with Redis it works on nothing itself unless WORKER_SLOTS says so."""
        own = {"WORKER_SLOTS": "0"} if self.redis else {}
        return await self._start("serve", own | settings, tollgate=tollgate, redis_gate=redis_gate)

    async def worker(
        self, *, tollgate: bool = False, redis_gate: bool = False, patient: bool = False, **settings: str
    ) -> Process:
        """One more worker; a `patient` one waits a minute for what its tollgate holds, others 5 s."""
        return await self._start("worker", settings, tollgate=tollgate, redis_gate=redis_gate, patient=patient)

    async def client(self, api: Process, like: Client | None = None) -> Client:
        """A new person at that server, or `like` another: the same person at another server."""
        http = httpx2.AsyncClient(base_url=api.server.url, timeout=30)
        self.at_the_end.push_async_callback(http.aclose)
        client = Client(http, api.server.sockets_url)
        if like is None:
            await client.sign_up()
        else:
            client.token, client.session = like.token, like.session
        return client

    async def first_image(self, client: Client, number: int = 0) -> str:
        """The global id of an image made of a small photo: what `regenerate` starts from. Needs a worker."""
        return await client.finished(await client.upload(small_photo(number)))

    async def upload(self, client: Client, count: int, prefix: str = "upload") -> list[str]:
        """Start generations of as many photos, all at once; their ids in the database."""
        client = replace(client, tries=_TRIES)
        payloads = await asyncio.gather(
            *(client.upload(small_photo(one), idempotencyKey=f"{prefix}-{one}") for one in range(count))
        )
        return [_accepted(payload) for payload in payloads]

    async def regenerate(self, client: Client, image_id: str, count: int, prefix: str = "wish") -> list[str]:
        """Start as many regenerations of an image, all at once; their ids in the database, the same for a repeat."""
        client = replace(client, tries=_TRIES)
        payloads = await asyncio.gather(
            *(client.regenerate(image_id, f"{prefix} {one}", idempotencyKey=f"{prefix}-{one}") for one in range(count))
        )
        return [_accepted(payload) for payload in payloads]

    async def census(self) -> Census:
        """What the database and the folder of pictures hold now."""
        return await take_census(self.documents, self.data_dir / "media")

    async def wait_until_settled(self, count: int, within_s: float = _SETTLED_S) -> Census:
        """Wait until there are `count` generations, all settled, in no lane and on no slot; the census then.

        Raises:
            AssertionError: not in time; it says what hangs and what each process said last.
        """

        def settled(census: Census) -> bool:
            return len(census.generations) >= count and census.at_rest

        return await self.wait_until(settled, within_s)

    async def wait_until_whole(self, count: int, within_s: float = _SETTLED_S, *, swept: bool = True) -> Census:
        """Wait until there are `count` generations and nothing to complain about; `swept` as in `complaints`."""

        def whole(census: Census) -> bool:
            return len(census.generations) >= count and not census.complaints(swept=swept)

        return await self.wait_until(whole, within_s)

    async def wait_until(self, condition: Callable[[Census], bool], within_s: float = _SETTLED_S) -> Census:
        """Count again and again until it holds; the census that it holds for. A database that is away is borne.

        Raises:
            AssertionError: it didn't in time; it says what is wrong and what each process said last.
        """
        last: Census | None = None
        clock = asyncio.get_running_loop()
        deadline = clock.time() + within_s
        while clock.time() < deadline:
            last = await self._census_if_possible() or last
            if last is not None and condition(last):
                return last
            await asyncio.sleep(_POLL_S)
        raise AssertionError(self._what_hangs(last, within_s))

    async def leave(self) -> None:
        """End every process."""
        await asyncio.gather(*(process.leave() for process in self.processes))

    async def _census_if_possible(self) -> Census | None:
        try:
            return await self.census()
        except PyMongoError:
            return None

    async def _start(
        self, command: str, settings: Mapping[str, str], *, tollgate: bool, redis_gate: bool, patient: bool = False
    ) -> Process:
        url, all_settings = self.database.url, dict(self.settings)
        database_gate = await self.at_the_end.enter_async_context(tollgate_before(url)) if tollgate else None
        options = {"timeoutMS": _PATIENCE_MS} if patient else {}
        all_settings["MONGODB_URL"] = database_gate.through(url, **options) if database_gate else url
        events_gate: RedisGate | None = None
        if self.redis and redis_gate:
            events_gate = await self.at_the_end.enter_async_context(redis_gate_before(self.redis.url))
            all_settings["REDIS_URL"] = events_gate.through(self.redis.url)
        context = running(self.data_dir, all_settings | dict(settings), command)
        server = await asyncio.to_thread(context.__enter__)
        process = Process(f"{command} {len(self.processes) + 1}", server, context, database_gate, events_gate)
        self.processes.append(process)
        return process

    def _what_hangs(self, census: Census | None, within_s: float) -> str:
        logs = [process.log_tail() for process in self.processes]
        if census is None:
            return "\n".join([f"the database did not answer within {within_s:g} s", self.database.log(), *logs])
        hanging = [f"{one}" for one in census.generations if not one.settled]
        counted = f"{len(census.generations)} generations {dict(census.statuses)}, lanes {dict(census.lanes)}"
        provider = f"Gemini: {len(self.gemini.calls)} calls, {self.gemini.in_flight} in flight"
        return "\n".join(
            [f"not within {within_s:g} s: {counted}", provider, *census.complaints(), "not settled:", *hanging, *logs]
        )


def _accepted(payload: Mapping[str, Any]) -> str:
    assert payload["errors"] == [], payload
    return document_id(payload["generation"]["id"])


@asynccontextmanager
async def planted(folder: Path, *, redis: bool = False, **settings: str) -> AsyncGenerator[Plant]:
    """A plant without servers and workers yet; all of it is gone at the exit.

    It has short leases and sweeps; `settings` (LEASE_S="5", ...) win over its own.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(running_database(folder / "database"))
        folders = {name: folder / name for name in ("data", "redis")}
        for made in folders.values():
            made.mkdir()
        redis_server = stack.enter_context(running_redis(folders["redis"])) if redis else None
        gemini = stack.enter_context(serving_gemini())
        mongodb = AsyncMongoClient[dict[str, Any]](database.url, serverSelectionTimeoutMS=2_000, socketTimeoutMS=5_000)
        await stack.enter_async_context(mongodb)
        shared = _QUICK | gemini.settings | ({"REDIS_URL": redis_server.url} if redis_server else {}) | settings
        plant = Plant(folder, database, mongodb[database.name], redis_server, gemini, shared, stack)
        try:
            yield plant
        finally:
            await plant.leave()
