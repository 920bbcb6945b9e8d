"""Writes a zip entry by entry: no more than one of them is in memory, and the same entries give the same bytes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from typing import IO, Final, NamedTuple
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from app.archives.files import to_its_end

_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""Of every entry: the earliest that a zip can say, as reproducible archives have it."""
_PLAIN_FILE: Final = 0o100644 << 16
_UNIX: Final = 3


class Entry(NamedTuple):
    """A file of an archive, by its whole name."""

    name: str
    data: bytes


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
    archive.writestr(info, entry.data)
