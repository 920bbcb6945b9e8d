"""A Redis of the test run's own, and the two kinds of queue and hub."""

import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.ports import EventHub, WorkQueue
from app.generations.redis.hub import RedisHub
from app.generations.redis.queue import RedisQueue
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers

_LEAVE_S = 10


@dataclass
class RedisServer:
    """A real redis-server on a port of its own that keeps nothing."""

    folder: Path
    port: int = field(default=0)
    _process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, empty, on the same port each time; returns when it answers."""
        self.port = self.port or _free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        self._process = subprocess.Popen(  # noqa: S603 - a fixed command, no shell
            [*command, "--save", "", "--appendonly", "no"], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said: list[str] = []
        for line in self._process.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                return
        pytest.fail(f"redis-server did not start: {''.join(said)}")

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self.resume()  # one that is paused ends, too
            self._process.communicate(timeout=_LEAVE_S)
            self._process = None

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on where it was."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        assert self._asked("FLUSHALL") == ["+OK"]

    def subscribers(self, channel: str) -> int:
        """How many connections hear the channel."""
        return int(self._asked(f"PUBSUB NUMSUB {channel}")[-1].removeprefix(":"))

    def all_keys(self) -> list[str]:
        """All there are."""
        return [line for line in self._asked("KEYS *") if not line.startswith(("*", "$"))]

    def ends(self, key: str) -> bool:
        """Whether the key goes by itself."""
        return int(self._asked(f"PTTL {key}")[-1].removeprefix(":")) > 0

    def _asked(self, command: str) -> list[str]:
        """The lines of a short answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_LEAVE_S) as connection:
            connection.sendall(f"{command}\r\n".encode())
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as answer:
                return answer.read().decode().splitlines()


@contextmanager
def running_redis(folder: Path) -> Generator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: `apt-get install redis-server`")
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The run's Redis, emptied for this test."""
    redis_server.empty()
    return redis_server.url


class Adapters(Protocol):
    """One kind of queue and hub; each call makes what one more process would have, entered inside the test's task."""

    def queue(self) -> AbstractAsyncContextManager[WorkQueue]: ...

    def hub(self) -> AbstractAsyncContextManager[EventHub]: ...


class InProcess:
    @asynccontextmanager
    async def queue(self) -> AsyncGenerator[WorkQueue]:
        yield InProcessQueue()

    @asynccontextmanager
    async def hub(self) -> AsyncGenerator[EventHub]:
        yield InProcessHub()


@dataclass
class OverRedis:
    url: str

    @asynccontextmanager
    async def queue(self) -> AsyncGenerator[WorkQueue]:
        queue = RedisQueue(self.url, redelivery_s=1)
        async with queue.opened():
            yield queue

    @asynccontextmanager
    async def hub(self) -> AsyncGenerator[EventHub]:
        hub = RedisHub(self.url)
        async with hub.opened():
            yield hub


@pytest.fixture
def over_redis(redis_url: str) -> OverRedis:
    return OverRedis(redis_url)


@pytest.fixture(params=["in_process", "redis"])
def adapters(request: pytest.FixtureRequest) -> Adapters:
    if request.param == "in_process":
        return InProcess()
    url: str = request.getfixturevalue("redis_url")
    return OverRedis(url)


@pytest.fixture(scope="session")
def _simulator() -> Generator[Simulator]:
    with simulated_providers() as simulator:
        yield simulator


@pytest.fixture
def simulator(_simulator: Simulator) -> Simulator:
    """The providers' stand-in, with nothing seen yet."""
    _simulator.reset()
    return _simulator


@pytest.fixture
def new_simulator() -> Generator[Simulator]:
    """One of the test's own, to be held: a reset lets calls go, a little later, and would undo a `hold` after it."""
    with simulated_providers() as simulator:
        yield simulator
