"""The export of all dreams: one generation that makes one archive."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final

from beanie import PydanticObjectId

from app.archives.files import to_its_end
from app.archives.pieces import Pieces
from app.archives.recipes import done_here
from app.archives.service import Archives
from app.archives.writing import Entry
from app.dreams.archive_album import Album
from app.dreams.archive_format import ArchivedDream, ExportFormat
from app.dreams.archive_pages import Pages, pages_of
from app.dreams.archive_texts import readme
from app.dreams.model import Dream
from app.dreams.versions import DreamVersion
from app.generations.model import Generation
from app.generations.service import Generations
from app.generations.work import StepResult, Work
from app.pictures.library import Pictures

EXPORT_KIND: Final = "DREAM_EXPORT"
_READ, _WRITTEN = 5, 95  # percent of the work
_AT_ONCE: Final = 50
"""Dreams that are in the memory together, with all their versions."""


@dataclass(frozen=True, slots=True)
class DreamExports:
    """Starts exports."""

    generations: Generations
    archives: Archives

    async def start(
        self, owner_id: PydanticObjectId, wanted: ExportFormat, key: str | None, asked: str | None = None
    ) -> Generation:
        """Export all of an owner's dreams as they are when it runs.

        Raises:
            AppError: CONFLICT for a used idempotency key; RATE_LIMITED; QUOTA_EXCEEDED when the owner has too many
                archives already.
        """
        if not await self.generations.knows(owner_id, key):
            await self.archives.require_room(owner_id)
        recipe = done_here("EXPORT_DREAMS", format=wanted)
        return await self.generations.start(owner_id, EXPORT_KIND, recipe, key, asked=asked)


@dataclass(frozen=True, slots=True)
class DreamExportJob:
    """Implements `Job`: one step, `archive`."""

    archives: Archives
    pictures: Pictures

    async def run(self, work: Work) -> None:
        """Read the dreams, write the archive."""
        await work.step("archive", partial(self._archive, work), is_last=True)

    async def complete(self, generation: Generation) -> None:
        """The archive's document is there already: it comes before its file."""

    async def _archive(self, work: Work) -> StepResult:
        await work.stage("reading the dreams", 1)
        generation = work.generation
        wanted = ExportFormat(generation.recipe.parameters["format"])
        name = f"dreams-{generation.created_at.date().isoformat()}-{wanted.lower()}.zip"
        archive = await self.archives.make(generation, name, self._entries(work, wanted), work.journal.now())
        return StepResult({"archiveId": archive.identity})

    async def _entries(self, work: Work, wanted: ExportFormat) -> AsyncGenerator[Entry]:
        """Each dream is read once: what is said of it fits the pictures, whatever happens to it meanwhile."""
        yield readme(wanted)
        album, owner_id = Album(work, self.pictures), work.generation.owner_id
        number = await work.bear(partial(Dream.number_of, owner_id))
        told, place = Pieces(work, "writing the dreams", max(number, 1), _READ, _WRITTEN), 0
        async with self.archives.scratch() as file, aclosing(_dreams(work)) as dreams:
            pages = await to_its_end(partial(pages_of, wanted, file))
            async for dream, versions in dreams:
                await told.done(min(place, number))
                place += 1
                async with aclosing(_dream(album, pages, dream, versions)) as entries:
                    async for entry in entries:
                        yield entry
            await work.stage("writing how they were made", _WRITTEN)
            async with aclosing(album.sidecars()) as entries:
                async for entry in entries:
                    yield entry
            yield await to_its_end(pages.end)


async def _dreams(work: Work) -> AsyncGenerator[tuple[Dream, list[DreamVersion]]]:
    """All of the owner's, oldest first, with their versions, newest first: what is being replaced just now is one."""
    owner_id, after = work.generation.owner_id, None
    while found := await work.bear(partial(Dream.chunk, owner_id, _AT_ONCE, after)):
        versions = await work.bear(partial(DreamVersion.all_of, [dream.identity for dream in found]))
        for dream in found:
            yield dream, _with_aside(dream, versions.get(dream.identity, []))
        after = found[-1].identity


def _with_aside(dream: Dream, versions: list[DreamVersion]) -> list[DreamVersion]:
    aside = dream.aside
    if aside is None or any(one.identity == aside.version_id for one in versions):
        return versions
    return [DreamVersion.of(dream, aside, dream.changed_at), *versions]


async def _dream(album: Album, pages: Pages, dream: Dream, versions: Sequence[DreamVersion]) -> AsyncGenerator[Entry]:
    """What an archive has of a dream: its pictures first, as the words name those that are there."""
    shown = [one.illustration for one in (dream, *versions) if one.illustration is not None]
    async with aclosing(album.add(dream.identity, shown)) as entries:
        async for entry in entries:
            yield entry
    archived = ArchivedDream.of(dream, versions, album.files)
    page = await to_its_end(partial(pages.add, archived))
    if page is not None:
        yield page
