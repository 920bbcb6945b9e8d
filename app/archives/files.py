"""The files of archives, in a folder that all processes share; what works on them blocks and runs in threads."""

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from beanie import PydanticObjectId
from bson.errors import InvalidId


class Written(NamedTuple):
    """A finished file: the hexadecimal SHA-256 of its bytes, and how many they are."""

    sha256: str
    byte_size: int


class Part(NamedTuple):
    """A file that is not finished, to be read and written."""

    path: Path
    file: IO[bytes]


@dataclass(frozen=True, slots=True)
class ArchiveFiles:
    """Each is one file in `root/files`, written in `root/unfinished` and moved when it is whole."""

    root: Path

    def place(self, owner_id: PydanticObjectId, archive_id: PydanticObjectId) -> Path:
        """Where an archive lies."""
        return self.root / "files" / f"{owner_id}-{archive_id}.zip"

    def begin(self) -> Part:
        """A new one."""
        self._unfinished.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=self._unfinished, suffix=".part")
        return Part(Path(path), os.fdopen(handle, "w+b"))

    def finish(self, part: Part, place: Path) -> Written:
        """Flush it to the disk, measure it, and move it to its place."""
        part.file.flush()
        os.fsync(part.file.fileno())
        part.file.seek(0)
        digest = hashlib.file_digest(part.file, "sha256").hexdigest()  # type: ignore[arg-type] # IO is what it reads
        written = Written(digest, part.file.tell())
        part.file.close()
        place.parent.mkdir(parents=True, exist_ok=True)
        part.path.replace(place)
        return written

    def drop(self, part: Part) -> None:
        """Give up what is not finished; nothing happens when it is."""
        with suppress(OSError):
            part.file.close()
        with suppress(OSError):
            part.path.unlink(missing_ok=True)

    def tidy(self, older_than_s: float) -> None:
        """Remove what was last written at least so long ago and never finished."""
        for path in self._unfinished.glob("*.part"):
            if _age_s(path) >= older_than_s:
                path.unlink(missing_ok=True)

    def older_than(self, age_s: float) -> Iterator[tuple[PydanticObjectId, Path]]:
        """The finished ones of at least that age, with the ids of their archives."""
        for path in (self.root / "files").glob("*.zip"):
            with suppress(InvalidId):
                archive_id = PydanticObjectId(path.stem.rpartition("-")[2])
                if _age_s(path) >= age_s:
                    yield archive_id, path

    @property
    def _unfinished(self) -> Path:
        return self.root / "unfinished"


async def to_its_end[T](work: Callable[[], T]) -> T:
    """Do it in a thread; a cancellation goes on once the thread is done, so that nobody cleans up under its hands."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # seen: nobody is left to hear of it
        raise


def _age_s(path: Path) -> float:
    """0 for a file that is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0
