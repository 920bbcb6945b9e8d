"""The export of a tree: one generation that makes one archive."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from typing import Final

from beanie import PydanticObjectId

from app.archives.pictures import original
from app.archives.pieces import Pieces
from app.archives.recipes import done_here
from app.archives.service import Archives
from app.archives.writing import Entry
from app.errors import not_found
from app.generations.model import Generation
from app.generations.service import Generations
from app.generations.work import StepResult, Work
from app.ornaments import archive_texts
from app.ornaments.archived_tree import ReadTree, read_tree
from app.ornaments.service import Ornaments
from app.pictures.library import Pictures

EXPORT_KIND: Final = "ORNAMENT_EXPORT"
_READ, _WRITTEN = 5, 95  # percent of the work


@dataclass(frozen=True, slots=True)
class LineageExports:
    """Starts exports."""

    generations: Generations
    ornaments: Ornaments
    archives: Archives

    async def start(
        self, owner_id: PydanticObjectId, image_id: PydanticObjectId, key: str | None, asked: str | None = None
    ) -> Generation:
        """Export the whole tree that an image belongs to; `asked` is what the caller says (see `Generation`).

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for another's image; CONFLICT for a used idempotency key; RATE_LIMITED;
                QUOTA_EXCEEDED when the owner has too many archives already.
        """
        image = await self.ornaments.owned(owner_id, image_id)
        if not await self.generations.knows(owner_id, key):
            await self.archives.require_room(owner_id)
        recipe = done_here("EXPORT_LINEAGE", rootId=str(image.lineage.root_id))
        return await self.generations.start(owner_id, EXPORT_KIND, recipe, key, asked=asked)


@dataclass(frozen=True, slots=True)
class ExportJob:
    """Implements `Job`: one step, `archive`."""

    archives: Archives
    pictures: Pictures

    async def run(self, work: Work) -> None:
        """Read the tree, write the archive."""
        await work.step("archive", partial(self._archive, work), is_last=True)

    async def complete(self, generation: Generation) -> None:
        """The archive's document is there already: it comes before its file."""

    async def _archive(self, work: Work) -> StepResult:
        await work.stage("reading the tree", 1)
        root_id = PydanticObjectId(work.generation.recipe.parameters["rootId"])
        tree = await work.bear(partial(read_tree, root_id))
        if tree is None:
            raise not_found("This tree")
        name = f"lineage-{root_id}.zip"
        archive = await self.archives.make(work.generation, name, self._entries(work, tree), work.journal.now())
        return StepResult({"archiveId": archive.identity})

    async def _entries(self, work: Work, tree: ReadTree) -> AsyncGenerator[Entry]:
        """In an order of their own: the same tree is the same archive, byte for byte."""
        yield archive_texts.readme()
        lost = set[str]()
        told = Pieces(work, "writing the pictures", len(tree.lineage.pictures), _READ, _WRITTEN)
        for place, described in enumerate(tree.lineage.pictures):
            await told.done(place)
            data = await original(self.pictures, tree.pictures[described.sha256])
            if data is None:
                lost.add(described.sha256)
            else:
                yield Entry(described.file, data)
                yield archive_texts.sidecar(tree.lineage, described)
        await work.stage("writing the tree", _WRITTEN)
        yield await asyncio.to_thread(archive_texts.lineage, tree.without(lost))
