"""The use cases of archives: make one, take one in, hand it out, delete it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Final

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.archives.files import ArchiveFiles, Part, to_its_end
from app.archives.model import Archive, ArchiveState
from app.archives.names import ARCHIVES_PATH, ArchivePath
from app.archives.writing import Entries, write_zip
from app.errors import AppError, ErrorCode
from app.generations.model import Generation
from app.pictures.links import MediaLinks

KEPT_MAX: Final = 20
"""How many archives one owner may have at a time."""
_HOUR_S: Final = 3600.0
_CHUNK: Final = 1 << 20
_RECEIVED: Final = "received.zip"


@dataclass(frozen=True, slots=True)
class Archives:
    """Keeps archives as files; those made here for `retention_s` seconds."""

    files: ArchiveFiles
    links: MediaLinks
    retention_s: float

    async def make(self, generation: Generation, file_name: str, entries: Entries, at: datetime) -> Archive:
        """Write what a generation makes for its owner; what an earlier attempt of it has left is deleted first.

        Raises:
            AppError: UNAVAILABLE, retryable, when the disk is full or can't be written, and whatever `entries` raise.
                Nothing is left of it then.
        """
        for left in await Archive.of_generation(generation.identity):
            if left.attempt < generation.attempt:  # an attempt that has lost its lease takes nothing from a later one
                await self.delete(left)
        archive = Archive(
            id=PydanticObjectId(),
            owner_id=generation.owner_id,
            generation_id=generation.identity,
            attempt=generation.attempt,
            file_name=file_name,
            created_at=at,
            expires_at=at + timedelta(seconds=_HOUR_S),
        )
        async with self._written(archive) as part:
            await write_zip(part.file, entries)
            until = at + timedelta(seconds=self.retention_s)
            return await self._finished(archive, part, ArchiveState.READY, until)

    async def receive(
        self, owner_id: PydanticObjectId, archive_id: PydanticObjectId, file: IO[bytes], at: datetime
    ) -> Archive:
        """Keep what an owner sends in, under that id, for an hour and as long as a generation reads it.

        Raises:
            AppError: UNAVAILABLE, retryable, when the disk is full or can't be written; nothing is left of it then.
        """
        until = at + timedelta(seconds=_HOUR_S)
        archive = Archive(
            id=archive_id, owner_id=owner_id, generation_id=None, file_name=_RECEIVED, created_at=at, expires_at=until
        )
        async with self._written(archive) as part:
            await to_its_end(partial(_copy, file, part.file))
            return await self._finished(archive, part, ArchiveState.RECEIVED, until)

    @asynccontextmanager
    async def scratch(self) -> AsyncGenerator[IO[bytes]]:
        """A file for what an archive is to hold and the memory is not; it is gone afterwards.

        Raises:
            OSError: the disk is full, or can't be written.
        """
        part = await to_its_end(self.files.begin)
        try:
            yield part.file
        finally:
            await to_its_end(partial(self.files.drop, part))

    def url(self, archive: Archive) -> str:
        """Where its owner fetches it: a signed path on this server, good for one to two hours."""
        path = ArchivePath(archive.owner_id, archive.identity, archive.file_name)
        return self.links.sign(str(path), None)

    def remaining_s(self, path: str, expires: int, signature: str) -> int | None:
        """Seconds that a link to what follows `ARCHIVES_PATH` is still good for; null when its signature is wrong."""
        return self.links.remaining_s(ARCHIVES_PATH + path, 0, expires, signature)

    def place(self, archive: Archive) -> Path:
        """Its file."""
        return self.files.place(archive.owner_id, archive.identity)

    async def delete(self, archive: Archive) -> None:
        """Delete it: the file first, so that there is never one without a document. Safe to repeat.

        Raises:
            AppError: UNAVAILABLE, retryable, when the disk refuses.
        """
        try:
            await to_its_end(partial(self.place(archive).unlink, missing_ok=True))
        except OSError as error:
            message = "An archive could not be deleted: the server's disk is not writable. Try again later."
            raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True) from error
        await archive.forget()

    async def delete_all_of(self, owner_id: PydanticObjectId) -> int:
        """Delete all of an owner's with their files, whatever is being done with them; how many they were.

        Raises:
            AppError: as `delete`.
        """
        found = await Archive.of_owner(owner_id)
        for archive in found:
            await self.delete(archive)
        return len(found)

    async def require_room(self, owner_id: PydanticObjectId) -> None:
        """Do nothing while the owner may have another one.

        Raises:
            AppError: QUOTA_EXCEEDED, retryable.
        """
        if await Archive.number_of(owner_id) >= KEPT_MAX:
            message = f"You have {KEPT_MAX} archives, as many as one may have. Wait until the oldest has expired."
            raise AppError(ErrorCode.QUOTA_EXCEEDED, message, retryable=True)

    @asynccontextmanager
    async def _written(self, archive: Archive) -> AsyncGenerator[Part]:
        """An unfinished file, its document before it; whatever goes wrong, both are gone.

        Raises:
            AppError: UNAVAILABLE, retryable, for an OSError inside.
        """
        await archive.put()
        part: Part | None = None
        try:
            part = await to_its_end(self.files.begin)
            yield part
        except BaseException as error:
            if part is not None:
                await to_its_end(partial(self.files.drop, part))
            with suppress(PyMongoError, AppError):  # then it expires
                await self.delete(archive)
            if isinstance(error, OSError):
                message = "The archive could not be stored: the server's disk is full or not writable. Try again later."
                raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True) from error
            raise

    async def _finished(self, archive: Archive, part: Part, state: ArchiveState, until: datetime) -> Archive:
        sha256, byte_size = await to_its_end(partial(self.files.finish, part, self.place(archive)))
        kept = await archive.finished(state, sha256, byte_size, until)
        if kept is None:
            message = "The archive was deleted while it was being written. Try again."
            raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True)
        return kept


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    source.seek(0)
    copyfileobj(source, target, _CHUNK)
