"""A database server that this process runs on a data folder."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from structlog.typing import FilteringBoundLogger

from app.database import address
from app.database.errors import DatabaseError
from app.database.lock import FolderLock
from app.database.process import Ready, ServerProcess

_log: FilteringBoundLogger = structlog.get_logger(__name__)

_BACKOFF_S = (0.1, 0.5, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Program:
    """How a server's program is started and what it says once it listens."""

    kind: str
    description: str
    command: Callable[[int], Sequence[str]]
    """The command for a port; port 0 is the first start's."""
    ready: Ready


class LocalServer:
    """A server on a data folder, run by this process: restarted on the same port whenever it dies."""

    __slots__ = ("_folder", "_lock", "_process", "_program", "_task", "_url")

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._lock: FolderLock | None = None
        self._process: ServerProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._url = ""

    @property
    def kind(self) -> str:
        """Either "mongod" or "embedded"."""
        return self._program.kind

    @property
    def description(self) -> str:
        """One line for the banner and the doctor."""
        return self._program.description

    @property
    def folder(self) -> Path:
        """The data folder that belongs to it while it runs."""
        return self._folder

    @property
    def url(self) -> str:
        """Where it listens, the same until `stop`.

        Raises:
            DatabaseError: it has not been started.
        """
        if not self._url:
            raise DatabaseError("The database server has not been started.")
        return self._url

    @property
    def pid(self) -> int | None:
        """The program's process; null while there is none."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Lock the folder, start the program and watch over it.

        Raises:
            DatabaseError: it does not start.
            DataFolderInUseError: another Regen runs on the folder.
        """
        self._lock = await FolderLock.acquire(self._folder)
        address.forget(self._folder)  # of one that was killed
        try:
            self._process = await self._launch(0, self._lock)
        except BaseException:
            self._lock.release()
            self._lock = None
            raise
        self._url = self._process.url
        self._task = asyncio.create_task(self._watch(self._process, self._lock))

    async def stop(self) -> None:
        """End the program: SIGTERM, SIGKILL after a few seconds; then free the folder."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._process is not None:
            await self._process.stop()
            self._process = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        self._url = ""

    async def _launch(self, port: int, lock: FolderLock) -> ServerProcess:
        return await ServerProcess.launch(self._program.command(port), self._program.ready, inherited=lock.server)

    async def _watch(self, process: ServerProcess, lock: FolderLock) -> None:
        port = urlsplit(process.url).port or 0
        while True:
            reason = await process.ended()
            _log.error("database.ended", kind=self.kind, reason=reason)
            process = self._process = await self._relaunch(port, lock)
            _log.warning("database.restarted", kind=self.kind, port=port)

    async def _relaunch(self, port: int, lock: FolderLock) -> ServerProcess:
        """Start it again on its port, however many attempts that takes."""
        attempt = 0
        while True:
            await asyncio.sleep(_BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])
            attempt += 1
            try:
                return await self._launch(port, lock)
            except DatabaseError as error:
                _log.error("database.restart_failed", kind=self.kind, attempt=attempt, reason=str(error))
