"""Reads a zip that somebody sent in: what its directory says is checked before, what it holds while it is read."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final
from zipfile import BadZipFile, ZipFile, ZipInfo

from app.archives.directory import Caps, Form, directory_of, refused

_DAMAGE: Final = (BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class OpenedArchive:
    """The entries of an archive whose directory is right, by their names. It blocks: use it in a thread."""

    _zip: ZipFile
    _entries: Mapping[str, ZipInfo]

    @property
    def names(self) -> frozenset[str]:
        """Of all entries."""
        return frozenset(self._entries)

    def read(self, name: str) -> bytes:
        """What an entry holds: as many bytes as the directory says, of the checksum that it says.

        Raises:
            AppError: BAD_USER_INPUT when it is not there, or is damaged.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise refused(f"The archive has no {name}.")
        try:
            with self._zip.open(entry) as stream:
                data = stream.read(entry.file_size + 1)
        except _DAMAGE as error:
            raise refused(f"{name} is damaged.") from error
        if len(data) != entry.file_size:
            raise refused(f"{name} has another size than the archive's directory says.")
        return data


def open_archive(file: IO[bytes], forms: Sequence[Form], caps: Caps) -> OpenedArchive:
    """The archive in that file, which is the caller's to close.

    Raises:
        AppError: BAD_USER_INPUT that says which entry is wrong, and why.
    """
    return OpenedArchive(*directory_of(file, forms, caps))
