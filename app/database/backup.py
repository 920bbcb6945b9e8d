"""A backup of everything, documents and media, in one file; and the way back."""

import asyncio
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from bson.errors import BSONError

from app.database.archive import (
    HashedFile,
    Manifest,
    Member,
    add_file,
    add_manifest,
    new_archive,
    new_member,
    open_archive,
)
from app.database.connection import RawDatabase, RawDocument
from app.database.content import (
    BATCH,
    Fingerprint,
    batches,
    collections,
    fingerprint,
    forget_passing,
    from_line,
    require_empty,
    to_line,
)
from app.database.document import utc_now
from app.database.errors import DatabaseError

_DOCUMENTS = "collections/"
_LINES = ".jsonl"
_MEDIA = "media/"


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was put away or brought back: documents by collection, and the number of media files."""

    documents: dict[str, int]
    media: int


async def backup(database: RawDatabase, media_dir: Path, path: Path) -> BackupReport:
    """Write everything to a new file at `path`; it appears only once it is complete.

    Regen may keep running. Then the documents are not all of one moment, which the sweeper repairs as after a
    crash; and as pictures are written once and saved last, those that a saved document names are saved too.

    Raises:
        DatabaseError: the file exists, lies in the media folder, or can't be written.
    """
    _require_outside(media_dir, path)
    members: dict[str, Member] = {}
    with new_archive(path) as archive:
        for name in await collections(database):
            members[f"{_DOCUMENTS}{name}{_LINES}"] = await _save(archive, database, name)
        members |= await asyncio.to_thread(_save_media, archive, media_dir)
        manifest = Manifest(created_at=utc_now().isoformat(), members=members)
        await asyncio.to_thread(add_manifest, archive, manifest)
    return _report(manifest)


async def _save(archive: ZipFile, database: RawDatabase, collection: str) -> Member:
    count = 0
    with new_member(archive, f"{_DOCUMENTS}{collection}{_LINES}", compress=True) as member:
        async for batch in batches(database, collection):
            count += len(batch)
            await asyncio.to_thread(_write_lines, member, batch)
    return member.member(count)


def _require_outside(media_dir: Path, path: Path) -> None:
    if path.resolve().is_relative_to(media_dir.resolve()):
        raise DatabaseError(f"{path} lies in the media folder, which is what is saved: choose another place.")


def _write_lines(member: HashedFile, batch: list[RawDocument]) -> None:
    for document in batch:
        member.write(to_line(document) + b"\n")


def _save_media(archive: ZipFile, media_dir: Path) -> dict[str, Member]:
    members: dict[str, Member] = {}
    for path in sorted(path for path in media_dir.rglob("*") if path.is_file() and not path.is_symlink()):
        name = _MEDIA + path.relative_to(media_dir).as_posix()
        with suppress(FileNotFoundError):  # swept meanwhile: nothing referred to it
            members[name] = add_file(archive, name, path)
    return members


async def restore(path: Path, database: RawDatabase, media_dir: Path) -> BackupReport:
    """Bring back what a backup holds, to an empty database and an empty or missing media folder.

    The file is checked as a whole before anything is written, and the documents are compared at the end. A restore
    that fails takes back what it wrote. `connect` makes the indexes.

    Raises:
        DatabaseError: the file is missing, damaged or unsafe, or the target isn't empty or isn't equal in the end.
    """
    await require_empty(database)
    _require_empty_folder(media_dir)
    await forget_passing(database)
    try:
        with open_archive(path) as (archive, manifest), _room_in(media_dir) as room:
            await asyncio.to_thread(_unpack_media, archive, manifest, room)
            await _load_all(archive, manifest, database)
            _move_up(room, media_dir)
    except OSError as error:
        raise DatabaseError(f"The restore fails at {error.filename or media_dir}: {error.strerror}.") from error
    return _report(manifest)


def _require_empty_folder(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise DatabaseError(f"The media folder {folder} isn't empty: choose or make an empty one.")


@contextmanager
def _room_in(folder: Path) -> Generator[Path]:
    """A temporary folder in it, since beside it may lie another disk."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restoring.", dir=folder) as name:
        yield Path(name)


def _move_up(room: Path, folder: Path) -> None:
    for path in room.iterdir():
        path.rename(folder / path.name)


def _unpack_media(archive: ZipFile, manifest: Manifest, folder: Path) -> None:
    for name in manifest.members:
        if name.startswith(_MEDIA):
            target = folder.joinpath(*PurePosixPath(name).parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, target.open("xb") as file:
                shutil.copyfileobj(source, file)


async def _load_all(archive: ZipFile, manifest: Manifest, database: RawDatabase) -> None:
    names = {_collection(name): name for name in manifest.members if name.startswith(_DOCUMENTS)}
    try:
        for collection, name in names.items():
            await _load(archive, name, database, collection)
    except BaseException:
        for collection in names:
            await database[collection].delete_many({})
        raise


async def _load(archive: ZipFile, name: str, database: RawDatabase, collection: str) -> None:
    saved = Fingerprint()
    with archive.open(name) as lines:
        batches_of_lines = _batches_of_lines(lines)
        while batch := await asyncio.to_thread(next, batches_of_lines, None):
            await database[collection].insert_many(_documents(batch, saved, name), ordered=False)
    if saved != await fingerprint(database, collection):
        raise DatabaseError(
            f"The collection {collection} isn't what the backup holds: does something else write to it?"
        )


def _documents(batch: list[bytes], saved: Fingerprint, name: str) -> list[RawDocument]:
    try:
        for line in batch:
            saved.add(line)
        return [from_line(line) for line in batch]
    except (ValueError, TypeError, KeyError, BSONError) as error:
        raise DatabaseError(f"{name} in the backup holds something else than documents.") from error


def _batches_of_lines(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in lines:
        batch.append(line.rstrip(b"\n"))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _collection(member: str) -> str:
    return member.removeprefix(_DOCUMENTS).removesuffix(_LINES)


def _report(manifest: Manifest) -> BackupReport:
    members = manifest.members.items()
    documents = {_collection(name): member.documents for name, member in members if member.documents is not None}
    return BackupReport(documents, sum(name.startswith(_MEDIA) for name, _ in members))
