"""The import of a tree: an archive is kept first, then one generation reads it."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Final

from beanie import PydanticObjectId

from app.archives.directory import Caps
from app.archives.files import to_its_end
from app.archives.reading import open_archive
from app.archives.recipes import done_here
from app.archives.service import Archives
from app.errors import AppError, ErrorCode
from app.generations.model import Generation
from app.generations.service import Generations
from app.ornaments.archive_checks import lineage_in
from app.ornaments.archive_format import FORMS, VERSIONS_MAX, ArchivedLineage

IMPORT_KIND: Final = "ORNAMENT_IMPORT"
_ENTRIES_MAX: Final = 6 * VERSIONS_MAX
"""Two for each picture: what a version shows, and a few that its root was made from."""
_RATIO_MAX: Final = 200
_CHUNK: Final = 1 << 20
_READ_AT_ONCE: Final = 2
_UNPACKED: Final = 2
"""Pictures hardly pack: what becomes more than twice as large was made to."""


def caps_of(max_bytes: int) -> Caps:
    """How much is taken of an archive that may have so many bytes."""
    return Caps(max_bytes, _UNPACKED * max_bytes, _ENTRIES_MAX, _RATIO_MAX)


def look_into(file: IO[bytes], caps: Caps) -> ArchivedLineage:
    """The tree that an archive tells of; blocks: call it in a thread.

    Raises:
        AppError: BAD_USER_INPUT that says what is wrong with it, as far as it can be told without its pictures.
    """
    return lineage_in(open_archive(file, FORMS, caps))


@dataclass(frozen=True, slots=True)
class LineageImports:
    """Starts imports of archives of at most `caps`; at most two are looked at at once, each takes memory meanwhile."""

    generations: Generations
    archives: Archives
    caps: Caps
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_READ_AT_ONCE), repr=False)

    async def start(
        self, owner_id: PydanticObjectId, file: IO[bytes], key: str | None, asked: str | None = None
    ) -> Generation:
        """Look at an archive, keep it, and have it read; `file` stays the caller's.

        The same archive under the same idempotency key is imported once; without a key, each time.

        Raises:
            AppError: BAD_USER_INPUT for an archive that can't be read back; CONFLICT for a used idempotency key;
                UNAVAILABLE, retryable, when the disk is full, or the same call is just being answered; RATE_LIMITED;
                QUOTA_EXCEEDED when the owner has too many archives already. Nothing is kept then.
        """
        async with self._slots:
            await to_its_end(partial(look_into, file, self.caps))
        sha256 = await to_its_end(partial(_sha256, file))
        archive_id = _id_for(owner_id, key, sha256)
        recipe = done_here("IMPORT_LINEAGE", archiveId=str(archive_id), sha256=sha256)
        if await self.generations.knows(owner_id, key):
            return await self.generations.start(owner_id, IMPORT_KIND, recipe, key, asked=asked)
        await self.archives.require_room(owner_id)
        try:
            archive = await self.archives.receive(owner_id, archive_id, file, self.generations.clock.now())
        except AppError:
            if await self.generations.knows(owner_id, key):  # somebody else was quicker with the same key
                return await self.generations.start(owner_id, IMPORT_KIND, recipe, key, asked=asked)
            raise
        try:
            started = await self.generations.start(owner_id, IMPORT_KIND, recipe, key, asked=asked)
        except AppError as error:  # one that somebody else has started meanwhile may read the same file
            if error.code is ErrorCode.CONFLICT or not await self.generations.knows(owner_id, key):
                await self.archives.delete(archive)
            raise
        await self.archives.lend(archive, started.identity)
        if started.status.ended:  # somebody else was quicker with the same key
            await self.archives.delete(archive)
        return started


def _id_for(owner_id: PydanticObjectId, key: str | None, sha256: str) -> PydanticObjectId:
    """The archive's id: the same for the same bytes under the same key, so that the recipe is the same, too."""
    if key is None:
        return PydanticObjectId()
    return PydanticObjectId(hashlib.sha256(f"{owner_id}:{key}:{sha256}".encode()).digest()[:12])


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
