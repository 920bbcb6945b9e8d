"""The use cases of archives: make one, take one in, hand it out, delete it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
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
from app.generations.model import Generation, Status
from app.pictures.links import MediaLinks

KEPT_MAX: Final = 20
"""How many archives one owner may have at a time."""
EXPORT_MAX_BYTES: Final = 2_000_000_000
"""Of one archive that is made: 20 of an owner's fill no more than 40 GB, and a zip of that size needs no zip64, which
importers don't take (PKWARE's APPNOTE.TXT 6.3.10, 4.3.9.2)."""
_HOUR_S: Final = 3600.0
_ABANDONED: Final = timedelta(minutes=10)
"""Longer than receiving one takes that lies in the temporary folder already: who began it was killed."""
_CHUNK: Final = 1 << 20
_RECEIVED: Final = "received.zip"


@dataclass(frozen=True, slots=True)
class Archives:
    """Keeps archives as files; those made here for `retention_s` seconds."""

    files: ArchiveFiles
    links: MediaLinks
    retention_s: float
    max_bytes: int = EXPORT_MAX_BYTES

    async def make(self, generation: Generation, file_name: str, entries: Entries, at: datetime) -> Archive:
        """Write what a generation makes for its owner; what an earlier attempt of it has left is deleted first.

        Raises:
            AppError: QUOTA_EXCEEDED when the owner has too many archives, or this one becomes too large; UNAVAILABLE,
                retryable, when the disk is full or can't be written, and whatever `entries` raise. Nothing is left of
                it then.
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
        await self.require_room(generation.owner_id)
        async with self._written(archive) as part:
            await write_zip(part.file, _within(entries, self.max_bytes))
            until = at + timedelta(seconds=self.retention_s)
            return await self._finished(archive, part, ArchiveState.READY, until)

    async def receive(
        self, owner_id: PydanticObjectId, archive_id: PydanticObjectId, file: IO[bytes], at: datetime
    ) -> Archive:
        """Keep what an owner sends in, under that id, for an hour and as long as a generation reads it.

        Raises:
            AppError: QUOTA_EXCEEDED, retryable, when the owner has too many archives; UNAVAILABLE, retryable, when the
                disk is full or can't be written, and when there is one of that id, which stays as it is. Nothing is
                left of it then.
        """
        until = at + timedelta(seconds=_HOUR_S)
        left = (await Archive.by_ids([archive_id])).get(archive_id)
        if left is not None and left.generation_id is None and left.created_at < at - _ABANDONED:
            await self.delete(left)
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

    async def lend(self, archive: Archive, generation_id: PydanticObjectId) -> Archive | None:
        """Let a generation read it, and keep it until that has ended; null when it was deleted meanwhile.

        Raises:
            AppError: CONFLICT while another reads it, and when another has read it to the end.
        """
        holder_id = archive.generation_id
        if holder_id is not None and holder_id != generation_id:
            holder = (await Generation.standing([holder_id])).get(holder_id)
            if holder is not None and holder.status not in {Status.FAILED, Status.CANCELLED}:
                raise _lent()
        lent = await archive.pass_on(generation_id)
        if lent is None and await Archive.by_ids([archive.identity]):
            raise _lent()
        return lent

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
        await _require_at_most(owner_id, KEPT_MAX - 1)

    @asynccontextmanager
    async def _written(self, archive: Archive) -> AsyncGenerator[Part]:
        """An unfinished file, its document before it; whatever goes wrong, both are gone.

        The owner's are counted with it: of those that come at the same time, no more stay than there is room for.

        Raises:
            AppError: QUOTA_EXCEEDED, retryable, when the owner has too many; UNAVAILABLE, retryable, for an OSError
                inside.
        """
        if not await archive.start():
            message = "The same archive is being received already. Try again in a moment."
            raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True)
        part: Part | None = None
        try:
            await _require_at_most(archive.owner_id, KEPT_MAX)
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


def _lent() -> AppError:
    return AppError(ErrorCode.CONFLICT, "Another import reads this archive already: send it again for one more.")


async def _require_at_most(owner_id: PydanticObjectId, number: int) -> None:
    if await Archive.number_of(owner_id) > number:
        message = f"You have {KEPT_MAX} archives, as many as one may have. Wait until the oldest has expired."
        raise AppError(ErrorCode.QUOTA_EXCEEDED, message, retryable=True)


async def _within(entries: Entries, max_bytes: int) -> Entries:
    """The same entries, as long as they are not too large together.

    Raises:
        AppError: QUOTA_EXCEEDED.
    """
    come = 0
    async with aclosing(entries):
        async for entry in entries:
            come += entry.size
            if come > max_bytes:
                message = f"The archive would have more than {max_bytes / 1e6:,.0f} MB, which is the most that is made."
                raise AppError(ErrorCode.QUOTA_EXCEEDED, message)
            yield entry


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    source.seek(0)
    copyfileobj(source, target, _CHUNK)
