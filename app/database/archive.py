"""The file that a backup is: a ZIP with a manifest, one file of lines a collection, and the media.

manifest.json             the format, the time, and for each other member its size and SHA-256
collections/NAME.jsonl    a document a line, in canonical Extended JSON, by ascending `_id`
media/...                 the files of the media folder, as they are
"""

import hashlib
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Literal
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import BaseModel, ConfigDict, ValidationError

from app.database.errors import DatabaseError

_MANIFEST = "manifest.json"
_CHUNK_BYTES = 1024 * 1024
_FORMAT = 1


class Member(BaseModel):
    """A file of the archive."""

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str
    documents: int | None = None
    """How many documents the lines are; null for media."""


class Manifest(BaseModel):
    """What an archive holds."""

    model_config = ConfigDict(frozen=True)

    format: int = _FORMAT
    created_at: str
    members: dict[str, Member]


class HashedFile:
    """A member while it is being written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, content: bytes) -> None:
        """Append to the member."""
        self._file.write(content)
        self._hash.update(content)
        self._size += len(content)

    def member(self, documents: int | None = None) -> Member:
        """Its line in the manifest."""
        return Member(size=self._size, sha256=self._hash.hexdigest(), documents=documents)


@contextmanager
def new_archive(path: Path) -> Generator[ZipFile]:
    """A ZIP that appears at `path` only once it is complete and on the disk.

    Raises:
        DatabaseError: there is a file of that name, or one can't be read or written.
    """
    if path.exists():
        raise DatabaseError(f"{path} exists already: choose another name.")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                with ZipFile(file, "w") as archive:
                    yield archive
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
            _sync_folder(path.parent)
        finally:
            with suppress(FileNotFoundError):
                Path(name).unlink()
    except OSError as error:
        raise DatabaseError(f"The backup fails at {error.filename or path}: {error.strerror}.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def new_member(archive: ZipFile, name: str, *, compress: bool) -> Generator[HashedFile]:
    """A member to write, of any size."""
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED if compress else ZIP_STORED
    with archive.open(info, "w", force_zip64=True) as file:
        yield HashedFile(file)


def add_file(archive: ZipFile, name: str, path: Path) -> Member:
    """Add a file as it is; pictures don't shrink."""
    with path.open("rb") as file, new_member(archive, name, compress=False) as member:
        while chunk := file.read(_CHUNK_BYTES):
            member.write(chunk)
    return member.member()


def add_manifest(archive: ZipFile, manifest: Manifest) -> None:
    """Add the manifest, the last of the members."""
    archive.writestr(_MANIFEST, manifest.model_dump_json(indent=2, exclude_none=True), ZIP_DEFLATED)


@contextmanager
def open_archive(path: Path) -> Generator[tuple[ZipFile, Manifest]]:
    """An archive, once every member of it has been compared with the manifest.

    Raises:
        DatabaseError: there is none, or it is damaged, from a newer Regen, or unsafe to unpack.
    """
    try:
        archive = ZipFile(path)
    except FileNotFoundError:
        raise DatabaseError(f"There is no file {path}.") from None
    except (OSError, BadZipFile) as error:
        raise DatabaseError(f"{path} is no backup of Regen, or it is damaged: {error}.") from error
    with archive:
        yield archive, _checked(archive, path)


def _checked(archive: ZipFile, path: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(archive.read(_MANIFEST))
        if manifest.format > _FORMAT:
            raise DatabaseError(f"{path} is from a newer Regen: restore it with that one.")
        names = sorted(name for name in archive.namelist() if name != _MANIFEST)
        if names != sorted(manifest.members):
            raise DatabaseError(f"{path} is damaged: its files aren't those of its manifest.")
        for name, member in manifest.members.items():
            _check_name(name, path)
            if _actual(archive, name, member) != member:
                raise DatabaseError(f"{path} is damaged: {name} isn't what its manifest says.")
    except (KeyError, ValidationError) as error:
        raise DatabaseError(f"{path} is no backup of Regen: it has no valid manifest.") from error
    except (BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise DatabaseError(f"{path} is damaged: {error}.") from error
    return manifest


def _check_name(name: str, path: Path) -> None:
    parts = PurePosixPath(name).parts
    safe = parts[0] in {"collections", "media"} and len(parts) > 1 and "/".join(parts) == name
    if not safe or ".." in parts or "\\" in name or "\0" in name:
        raise DatabaseError(f"{path} is unsafe: it holds a file {name!r}.")


def _actual(archive: ZipFile, name: str, expected: Member) -> Member | Literal["larger"]:
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as file:
        while chunk := file.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > expected.size:
                return "larger"
            digest.update(chunk)
    return Member(size=size, sha256=digest.hexdigest(), documents=expected.documents)
