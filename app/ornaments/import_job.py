"""What the import of a tree does: its pictures are kept first, then all of its versions are written."""

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Final

from beanie import PydanticObjectId
from bson.errors import BSONError

from app.archives.directory import Caps, refused
from app.archives.files import to_its_end
from app.archives.model import Archive
from app.archives.pictures import ArchivedPicture
from app.archives.pieces import Pieces
from app.archives.reading import OpenedArchive, open_archive
from app.archives.service import Archives
from app.errors import AppError, ErrorCode
from app.generations.model import Generation
from app.generations.releasing import release
from app.generations.work import StepResult, Work
from app.lineage.discardable import chunks
from app.lineage.promotion import Promotion
from app.lineage.tombstone import Tombstone
from app.lineage.votes import Vote
from app.lineage.writing import write_all
from app.logs import logger
from app.ornaments.archive_checks import lineage_in
from app.ornaments.archive_format import FORMS, ArchivedLineage
from app.ornaments.imported_tree import ImportedTree, in_order, shown
from app.ornaments.model import OrnamentImage
from app.pictures.library import Pictures
from app.pictures.model import Picture

_log = logger(__name__)
_CHECKED, _KEPT = 5, 90  # percent of the work
_ROUNDS: Final = 3
_HOPELESS: Final = (BSONError, ValueError, TypeError, LookupError, ArithmeticError)
"""What comes of the archive itself, and comes again each time."""


@dataclass(frozen=True, slots=True)
class ImportJob:
    """Implements `Job`: the step `ids` gives everything its new id, `pictures` keeps what the tree shows.

    An import that fails or is cancelled has written no version, and no generation refers to its pictures: they are
    swept like any that nobody needs.
    """

    archives: Archives
    pictures: Pictures
    caps: Caps

    async def run(self, work: Work) -> None:
        """Keep the pictures.

        Raises:
            AppError: BAD_USER_INPUT that says which entry is wrong; the archive is deleted then. CONFLICT when another
                import reads it.
        """
        generation = work.generation
        await work.stage("checking", 1)
        archive = await work.bear(partial(_archive_of, generation))
        if archive is None or await work.bear(partial(self.archives.lend, archive, generation.identity)) is None:
            raise _gone()
        try:
            async with self._opened(archive) as (zipped, lineage):
                await work.step("ids", partial(_new_ids, lineage))
                await work.step("pictures", partial(self._kept, work, zipped, lineage), is_last=True)
        except AppError as error:
            if not error.retryable:
                with suppress(AppError):  # then it expires
                    await self.archives.delete(archive)
            raise

    async def complete(self, generation: Generation) -> None:
        """Write the versions."""
        await self.write(generation)

    async def write(self, generation: Generation) -> None:
        """Write all versions of an import that has succeeded, then delete its archive; safe to repeat and to race.

        What can't be written however often it is tried is logged, and nothing is held for it any longer.

        Raises:
            AppError: a retryable one.
        """
        archive = await _archive_of(generation)
        if archive is None:
            if not await _is_written(generation):
                _log.error("archive_lost", generation=str(generation.identity))
            await release([generation.identity], [], Picture.let_go)
            return
        try:
            async with self._opened(archive) as (_, lineage):
                await _write_tree(_tree(generation, lineage))
        except AppError as error:
            if error.retryable:
                raise
            _log.exception("archive_lost", archive=str(archive.identity))
        except _HOPELESS:
            _log.exception("archive_lost", archive=str(archive.identity))
        await release([generation.identity], [], Picture.let_go)  # the versions hold the pictures from now on
        await self.archives.delete(archive)

    @asynccontextmanager
    async def _opened(self, archive: Archive) -> AsyncGenerator[tuple[OpenedArchive, ArchivedLineage]]:
        """The archive and its tree, checked.

        Raises:
            AppError: NOT_FOUND when its file is gone; BAD_USER_INPUT.
        """
        try:
            file = await to_its_end(partial(_open, self.archives.place(archive)))
        except FileNotFoundError as error:
            raise _gone() from error
        with file:
            zipped = await to_its_end(partial(open_archive, file, FORMS, self.caps))
            yield zipped, await to_its_end(partial(lineage_in, zipped))

    async def _kept(self, work: Work, zipped: OpenedArchive, lineage: ArchivedLineage) -> StepResult:
        """Their ids, in the order of the archive; the generation refers to them with the write that ends it."""
        kept: dict[str, PydanticObjectId] = {}
        for _ in range(_ROUNDS):  # one that took longer than the grace period is swept behind its back
            await self._keep_missing(work, zipped, lineage, kept)
            ids = [kept[picture.sha256] for picture in lineage.pictures]
            alive = await work.bear(partial(_touched, ids))
            if alive.issuperset(ids):
                return StepResult({"pictureIds": ids}, tuple(ids))
            for picture in lineage.pictures:
                if kept[picture.sha256] not in alive:
                    del kept[picture.sha256]
        message = "The pictures could not be kept in time. Try again."
        raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True)

    async def _keep_missing(
        self, work: Work, zipped: OpenedArchive, lineage: ArchivedLineage, kept: dict[str, PydanticObjectId]
    ) -> None:
        told = Pieces(work, "keeping the pictures", len(lineage.pictures), _CHECKED, _KEPT)
        for picture in lineage.pictures:
            if picture.sha256 not in kept:
                await told.done(len(kept))
                kept[picture.sha256] = await self._keep(work, zipped, picture)

    async def _keep(self, work: Work, zipped: OpenedArchive, told: ArchivedPicture) -> PydanticObjectId:
        data = await to_its_end(partial(zipped.read, told.file))
        if await to_its_end(partial(_sha256, data)) != told.sha256:
            raise refused(f"{told.file}: its bytes don't have the hash that its name says.")
        try:
            picture = await work.bear(partial(self.pictures.receive, work.generation.owner_id, data))
        except AppError as error:
            if error.code is ErrorCode.BAD_USER_INPUT:
                raise refused(f"{told.file}: {error.message}") from error
            raise
        if picture.media_type != told.media_type:
            raise refused(f"{told.file}: it is {picture.media_type}.")
        return picture.identity


async def _archive_of(generation: Generation) -> Archive | None:
    archive_id = PydanticObjectId(generation.recipe.parameters["archiveId"])
    return (await Archive.by_ids([archive_id])).get(archive_id)


async def _new_ids(lineage: ArchivedLineage) -> StepResult:
    """One for each id of the archive, in their order, and that of what stands for the tree."""
    old = in_order(lineage)
    new = sorted(PydanticObjectId() for _ in old)
    root = shown(lineage)
    return StepResult({"ids": new, "shownId": new[old.index(root.id)] if root else None})


def _tree(generation: Generation, lineage: ArchivedLineage) -> ImportedTree:
    steps = generation.steps
    hashes = [picture.sha256 for picture in lineage.pictures]
    return ImportedTree(
        lineage,
        generation.owner_id,
        generation.created_at,
        dict(zip(in_order(lineage), steps["ids"]["ids"], strict=True)),
        dict(zip(hashes, steps["pictures"]["pictureIds"], strict=True)),
    )


async def _write_tree(tree: ImportedTree) -> None:
    """Every version, then what was chosen among those that are there."""
    written = {image.identity: image for image in await write_all(await to_its_end(tree.images))}
    if tree.promoted_id is not None and tree.promoted_id in written:
        await Promotion.choose(written[tree.promoted_id])
    for winner_id, loser_id in tree.votes():
        if winner_id in written and loser_id in written:
            await Vote.cast(written[winner_id], written[loser_id])


async def _is_written(generation: Generation) -> bool:
    """Whether any of its versions is there, or was and is deleted for ever."""
    for ids in chunks(generation.steps["ids"]["ids"]):
        if await OrnamentImage.existing(ids) or await Tombstone.of(ids):
            return True
    return False


async def _touched(ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Those of the pictures that are there, safe from every sweep for a grace period from now on."""
    alive = set[PydanticObjectId]()
    for some in chunks(ids):
        await Picture.let_go(some)
        alive |= set(await Picture.by_ids(some))
    return alive


def _open(place: Path) -> IO[bytes]:
    return place.open("rb")


def _gone() -> AppError:
    return AppError(ErrorCode.NOT_FOUND, "The archive is not kept any more: send it again.")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
