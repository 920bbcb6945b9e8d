"""A database server of the test's own, which it may kill, restart and pause."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient

from tests.e2e.forks import Fork, forked

_LEAVE_S = 10


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(eq=False)
class Database:
    """The embedded server on a file and a port that stay the same, or a fresh database of MONGODB_URL's server.

    The latter is not ours to kill: a test that asks for it is skipped.
    """

    folder: Path
    name: str = field(default_factory=lambda: f"regen_faults_{uuid4().hex}")
    foreign_url: str | None = field(default_factory=lambda: os.environ.get("MONGODB_URL") or None)
    _port: int = field(default_factory=free_port)
    _process: Fork | None = None
    _leash: int = -1

    @property
    def url(self) -> str:
        """The database's own address, to be used past any gate."""
        if self.foreign_url:
            return urlsplit(self.foreign_url)._replace(path=f"/{self.name}").geturl()
        return f"mongodb://127.0.0.1:{self._port}/{self.name}?directConnection=true"

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._own().pid

    async def start(self) -> None:
        """Start it on its file and its port; returns when it listens."""
        if self.foreign_url:
            return
        assert self._process is None, "it runs"
        await asyncio.to_thread(self._launch)

    async def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, by default as a crash does; what it wrote stays in its file."""
        process = self._own()
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # one that is paused ends, too
        await asyncio.to_thread(process.wait, _LEAVE_S)
        self._close(process)

    async def restart(self) -> None:
        """Kill it and start it again."""
        await self.stop()
        await self.start()

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self._own().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on where it was."""
        self._own().send_signal(signal.SIGCONT)

    async def leave(self) -> None:
        """Leave nothing behind: no process, no database."""
        if self.foreign_url:
            async with AsyncMongoClient[dict[str, Any]](self.foreign_url) as client:
                await client.drop_database(self.name)
        elif self._process is not None:
            await self.stop()

    def log(self) -> str:
        """What the server wrote to stderr."""
        file = self.folder / "database.log"
        return file.read_text() if file.exists() else ""

    def _own(self) -> Fork:
        if self.foreign_url:
            pytest.skip("needs a database server of its own, and MONGODB_URL names another's")
        assert self._process is not None, "it does not run"
        return self._process

    def _launch(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        arguments = [str(self.folder / "regen.sqlite"), str(self._port)]
        stdin, self._leash = os.pipe()
        out, stdout = os.pipe()
        with (self.folder / "database.log").open("a") as log:
            streams = (stdin, stdout, log.fileno())
            process = forked("app.database.child", arguments, os.environ, self.folder, streams)
        os.close(stdin)
        os.close(stdout)
        with os.fdopen(out) as said:
            listens = said.readline()
        if not listens:
            process.kill()
            self._close(process)
            pytest.fail(f"the embedded database did not start: {self.log()}")
        self._process = process

    def _close(self, process: Fork) -> None:
        process.wait(_LEAVE_S)
        os.close(self._leash)
        self._process = None


@asynccontextmanager
async def running_database(folder: Path) -> AsyncGenerator[Database]:
    """A started database on `folder`, ended and dropped at the exit."""
    database = Database(folder)
    try:
        await database.start()
        yield database
    finally:
        await database.leave()
