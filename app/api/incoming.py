"""A file on its way in: hashed while it comes, and on the disk once it is large."""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import BinaryIO, Self, cast, override

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, UploadFile

from app.pictures.intake import MAX_BYTES
from app.pictures.upload import Upload

_IN_MEMORY_BYTES = 1 << 20
_TOGETHER_BYTES = 1 << 20
"""Written in one go, in a thread: to go there for each piece of 64 KB takes longer than the piece."""


class Incoming(UploadFile):
    """Written from its first byte to its last; `seek` ends that."""

    def __init__(self, file: BinaryIO, filename: str | None = None, headers: Headers | None = None) -> None:
        super().__init__(file, size=0, filename=filename, headers=headers)
        self._hash = hashlib.sha256()
        self._pieces, self._piece_bytes = list[bytes](), 0
        self._reading = Lock()

    @classmethod
    @contextmanager
    def opened(cls) -> Generator[Self]:
        """One that is gone at the exit; its file has no name, so that nothing is left of a crash either."""
        with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
            yield cls(cast("BinaryIO", file))

    @override
    async def write(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            OSError: the disk is full.
        """
        self.size = (self.size or 0) + len(data)
        self._pieces.append(data)
        self._piece_bytes += len(data)
        if self._piece_bytes >= _TOGETHER_BYTES:
            await self._flush()

    @override
    async def seek(self, offset: int) -> None:
        """Go on reading there.

        Raises:
            OSError: the disk is full.
        """
        await self._flush()
        await super().seek(offset)

    async def whole(self) -> Upload:
        """All of it, once it has come.

        Raises:
            OSError: the disk is full.
        """
        await self._flush()
        return Upload(self._hash.hexdigest(), self._read)

    async def sha256(self) -> str:
        """The hex digest of all of it, once it has come."""
        return (await self.whole()).sha256

    async def _flush(self) -> None:
        if self._pieces:
            pieces, self._pieces, self._piece_bytes = self._pieces, list[bytes](), 0
            await run_in_threadpool(self._write, pieces)

    def _write(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._hash.update(piece)
            self.file.write(piece)

    def _read(self) -> bytes:
        with self._reading:  # the same file may stand in several places of an operation
            self.file.seek(0)
            return self.file.read(min(self.size or 0, MAX_BYTES + 1))  # a larger buffer takes longer than the file
