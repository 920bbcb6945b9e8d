"""The lock of a data folder: one Regen, and one database server, at a time."""

import asyncio
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.database.errors import DataFolderInUseError

_OWNER_FILE = "regen.lock"
_POLL_S = 0.05
_OWNER_S = 1.0
_SERVER_S = 20.0


async def _lock(path: Path, within_s: float) -> int:
    """The descriptor that holds the lock.

    Raises:
        TimeoutError: somebody else holds it for longer.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        async with asyncio.timeout(within_s):
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    await asyncio.sleep(_POLL_S)
                else:
                    return descriptor
    except BaseException:
        os.close(descriptor)
        raise


def is_locked(folder: Path) -> bool:
    """Whether a Regen has the folder now."""
    try:
        descriptor = os.open(folder / _OWNER_FILE, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


@dataclass(frozen=True, slots=True)
class FolderLock:
    """Two locks on files in the folder, freed by the kernel when their holders end.

    `owner` is this process's alone. `server` is inherited by the database's process, so it stays held while a
    server that outlived a killed Regen still writes: the next Regen waits for that one, but is refused at once
    while another Regen lives.
    """

    owner: int
    server: int

    @classmethod
    async def acquire(cls, folder: Path) -> Self:
        """Lock the folder, which is made if it is missing.

        Raises:
            DataFolderInUseError: another Regen or its database server holds it.
        """
        folder = _made(folder)
        try:
            owner = await _lock(folder / _OWNER_FILE, _OWNER_S)
        except TimeoutError:
            message = (
                f"Another Regen already runs on this data folder ({folder}); "
                "stop it or choose another with DATA_DIR=/path/to/another."
            )
            raise DataFolderInUseError(message) from None
        try:
            server = await _lock(folder / "database.lock", _SERVER_S)
        except BaseException as error:
            os.close(owner)
            if not isinstance(error, TimeoutError):
                raise
            message = f"The database server of an earlier Regen still works on {folder}; end that process."
            raise DataFolderInUseError(message) from None
        return cls(owner, server)

    def release(self) -> None:
        """Free the folder; a server that is still alive keeps its half."""
        os.close(self.server)
        os.close(self.owner)
