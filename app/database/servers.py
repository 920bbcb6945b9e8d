"""Which database server there is: MONGODB_URL's, a `mongod` of this machine, or the embedded one.

The embedded server and the choice are tested with real processes. `mongod` is tested with a stand-in on PATH that
records its arguments and answers as the embedded server does, not with MongoDB's own program.
"""

import json
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.database.local_server import LocalServer, Program

_EMBEDDED_FILE = "regen.sqlite"


class DatabaseServer(Protocol):
    """A server to connect to: started before the app, stopped after it."""

    @property
    def kind(self) -> str:
        """What it is, without credentials: "MongoDB at db.example:27017", "mongod" or "embedded"."""
        ...

    @property
    def description(self) -> str:
        """One line for the banner and the doctor."""
        ...

    @property
    def url(self) -> str:
        """Where it listens; it may hold credentials.

        Raises:
            DatabaseError: it has not been started.
        """
        ...

    async def start(self) -> None:
        """Have it running.

        Raises:
            DatabaseError: it cannot be; the text says why and what to do.
        """
        ...

    async def stop(self) -> None:
        """End it if `start` started it."""
        ...


def host_of(url: str) -> str:
    """The hosts of a MongoDB URL, without credentials, database and options, however badly it is written."""
    return url.rsplit("@", 1)[-1].rpartition("://")[2].split("/", 1)[0].split("?", 1)[0]


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """A MongoDB that somebody else runs."""

    url: str = field(repr=False)

    @property
    def kind(self) -> str:
        """The hosts, without credentials."""
        return f"MongoDB at {host_of(self.url)}"

    @property
    def description(self) -> str:
        """One line for the banner and the doctor."""
        return f"{self.kind} (MONGODB_URL)"

    async def start(self) -> None:
        """Nothing: it runs."""

    async def stop(self) -> None:
        """Nothing: others use it."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _mongod_ready(line: str) -> str | None:
    """The URL in the log line "Waiting for connections" (id 23016 since MongoDB 4.4, JSON)."""
    if '"id":23016,' not in line:
        return None
    port = json.loads(line)["attr"]["port"]
    return f"mongodb://127.0.0.1:{port}/?directConnection=true"


def mongod(program: str, data_dir: Path) -> LocalServer:
    """MongoDB's own server on `mongod/` in the data folder, on 127.0.0.1 only."""
    folder = data_dir.resolve() / "mongod"

    def command(port: int) -> Sequence[str]:
        folder.mkdir(parents=True, exist_ok=True)
        server = [program, "--dbpath", str(folder), "--bind_ip", "127.0.0.1", "--port", str(port or _free_port())]
        return [sys.executable, "-m", "app.database.leash", *server]

    description = f"mongod ({program}) on {folder}"
    if (data_dir / _EMBEDDED_FILE).exists():
        description += f"; the documents of the embedded database ({_EMBEDDED_FILE}) are not in it"
    return LocalServer(Program("mongod", description, command, _mongod_ready), data_dir)


def _embedded_ready(line: str) -> str | None:
    return line if line.startswith("mongodb://127.0.0.1:") else None


def embedded(data_dir: Path) -> LocalServer:
    """The embedded server on the file `regen.sqlite` in the data folder, on 127.0.0.1 only."""
    path = data_dir.resolve() / _EMBEDDED_FILE

    def command(port: int) -> Sequence[str]:
        return [sys.executable, "-m", "app.database.child", str(path), str(port)]

    description = f"embedded database on {path} (for trying and developing; set MONGODB_URL for more)"
    return LocalServer(Program("embedded", description, command, _embedded_ready), data_dir)


def choose(mongodb_url: str | None, data_dir: Path) -> DatabaseServer:
    """The server of this installation: MONGODB_URL's, else a `mongod` on PATH, else the embedded one.

    A folder that the embedded one has filled stays with it when a `mongod` is installed later: whoever started that
    on an empty folder would find everything gone. `regen copy` moves it.
    """
    if mongodb_url:
        return RemoteServer(mongodb_url)
    program = shutil.which("mongod")
    if program and ((data_dir / "mongod").exists() or not (data_dir / _EMBEDDED_FILE).exists()):
        return mongod(program, data_dir)
    return embedded(data_dir)
