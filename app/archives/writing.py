"""Writes a zip entry by entry: one of them at most is in memory, and the same entries give the same bytes."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from os import SEEK_END
from shutil import copyfileobj
from typing import IO, Any, Final, NamedTuple, Self
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from app.archives.files import to_its_end

_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""Of every entry: the earliest that a zip can say, as reproducible archives have it."""
_PLAIN_FILE: Final = 0o100644 << 16
_UNIX: Final = 3
_CHUNK: Final = 1 << 20


class Entry(NamedTuple):
    """A file of an archive, by its whole name; what may be too large for the memory is itself a file, to be read."""

    name: str
    data: bytes | IO[bytes]

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.data) if isinstance(self.data, bytes) else self.data.seek(0, SEEK_END)

    @classmethod
    def of_json(cls, name: str, value: Any) -> Self:
        """A value for programs, and in lines for people."""
        return cls(name, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


type Entries = AsyncGenerator[Entry]


async def write_zip(file: IO[bytes], entries: Entries) -> None:
    """Write the entries in their order, none of them compressed: pictures are already, and texts are small.

    Raises:
        OSError: the disk is full, or can't be written.
    """
    archive = await to_its_end(partial(ZipFile, file, "w", ZIP_STORED))
    try:
        async with aclosing(entries):
            async for entry in entries:
                await to_its_end(partial(_add, archive, entry))
    except BaseException:
        with suppress(OSError, ValueError):
            await to_its_end(archive.close)
        raise
    await to_its_end(archive.close)


def _add(archive: ZipFile, entry: Entry) -> None:
    info = ZipInfo(entry.name, _TIME)
    info.external_attr, info.create_system = _PLAIN_FILE, _UNIX
    if isinstance(entry.data, bytes):
        archive.writestr(info, entry.data)
        return
    info.file_size = entry.size
    entry.data.seek(0)
    with archive.open(info, "w") as target:
        copyfileobj(entry.data, target, _CHUNK)
