"""Copies of pictures on the local disk that may be lost at any time."""

import hashlib
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_OFTEN = 16  # the folder is measured whenever a sixteenth of the limit was written
_ROOM = 3 / 4  # of the limit is left full, so that other processes may write meanwhile
_LARGEST = 1 / 4
_UNUSED_S = 7 * 86_400.0  # what was deleted by a process on another machine doesn't stay for ever
_UNFINISHED_S = 3600.0


@dataclass(slots=True)
class Copies:
    """A folder of at most `limit` bytes, named by their SHA-256; what was not used for longest goes first.

    Any number of processes may use one folder, and may be killed meanwhile; between two measurements each may
    overstep the limit by a sixteenth. No method fails for want of a disk: then there is just no copy. All of them
    block: call them in a thread.
    """

    folder: Path
    limit: int
    _written: int | None = field(default=None, repr=False)

    def get(self, sha256: str) -> bytes | None:
        """The bytes of that hash, null where there are none; a damaged copy is dropped."""
        place = self._place(sha256)
        try:
            data = place.read_bytes()
            if hashlib.sha256(data).hexdigest() == sha256:
                os.utime(place)
                return data
        except OSError:
            return None
        self.drop(sha256)
        return None

    def keep(self, sha256: str, data: bytes) -> None:
        """Copy them, unless they are too large a part of the limit."""
        if len(data) > self.limit * _LARGEST:
            return
        with suppress(OSError):
            place = self._place(sha256)
            if place.exists():
                return
            self._make_room(len(data))
            self._write(place, data)

    def drop(self, sha256: str) -> None:
        """Delete the copy of that hash."""
        with suppress(OSError):
            self._place(sha256).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Delete what nobody has used for a week, and bring the folder below its limit."""
        with suppress(OSError):
            self._measure()

    def _place(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def _make_room(self, size: int) -> None:
        if self._written is None or self._written + size > self.limit / _OFTEN:
            self._measure()
        self._written = (self._written or 0) + size

    def _measure(self) -> None:
        """Delete until three quarters of the limit are left, longest unused first."""
        self._written = 0
        now, left = time.time(), 0
        for used, size, path in sorted(_files(self.folder), reverse=True):
            left += size
            unfinished = path.suffix == ".part"
            if left > self.limit * _ROOM or used < now - (_UNFINISHED_S if unfinished else _UNUSED_S):
                left -= size
                path.unlink(missing_ok=True)

    def _write(self, place: Path, data: bytes) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)  # not flushed to the disk: what a crash damages is told by its hash
            Path(temporary).replace(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """When each was used last, its size, where it is."""
    found: list[tuple[float, int, Path]] = []
    for path in folder.glob("??/*"):
        with suppress(FileNotFoundError):  # another process has dropped it
            state = path.stat()
            found.append((state.st_mtime, state.st_size, path))
    return found
