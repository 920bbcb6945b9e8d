"""The pictures of an archive of dreams: each is in it once, whatever shows it, with how it was made beside it."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import batched
from typing import Any, Final, NamedTuple

from beanie import PydanticObjectId

from app.archives.pictures import ArchivedPicture, original, sidecar_of
from app.archives.writing import Entry
from app.dreams.archive_format import VERSION
from app.dreams.parts import Illustration
from app.generations.model import Generation
from app.generations.provenance import Provenance
from app.generations.work import Work
from app.lineage.discardable import chunks
from app.pictures.library import Pictures
from app.pictures.model import Picture

_AT_ONCE: Final = 20


class _Use(NamedTuple):
    """A dream that shows a picture, or has shown it, and the generation that made it."""

    dream_id: PydanticObjectId
    generation_id: PydanticObjectId


class _Shown(NamedTuple):
    """A picture of the archive, and who shows it, each once and in order."""

    picture: ArchivedPicture
    uses: dict[_Use, None]


@dataclass(slots=True)
class Album:
    """Remembers which pictures are in the archive, and no bytes of them; `files` are their entries, by their ids."""

    work: Work
    pictures: Pictures
    files: dict[PydanticObjectId, str] = field(default_factory=dict[PydanticObjectId, str])
    _lost: set[PydanticObjectId] = field(default_factory=set[PydanticObjectId])
    _shown: dict[str, _Shown] = field(default_factory=dict[str, _Shown])

    async def add(self, dream_id: PydanticObjectId, shown: Sequence[Illustration]) -> AsyncGenerator[Entry]:
        """Those of a dream's pictures that are not in the archive yet.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when a picture's store is not set up; UNAVAILABLE, TIMEOUT.
        """
        wanted = dict.fromkeys(one.picture_id for one in shown)
        for some in chunks(one for one in wanted if one not in self.files and one not in self._lost):
            found = await self.work.bear(partial(Picture.by_ids, some))
            for picture_id in some:
                if entry := await self._entry(picture_id, found.get(picture_id)):
                    yield entry
        for one in shown:
            if one.picture_id in self.files:
                use = _Use(dream_id, one.generation_id)
                self._shown[self.files[one.picture_id]].uses[use] = None

    async def sidecars(self) -> AsyncGenerator[Entry]:
        """How each of them was made."""
        for some in batched(self._shown.values(), _AT_ONCE, strict=False):
            made_in = await self._generations(use.generation_id for one in some for use in one.uses)
            for one in some:
                told = {
                    "format": "regen.picture",
                    "version": VERSION,
                    "picture": one.picture.model_dump(mode="json", by_alias=True),
                    "madeFor": [
                        {"dreamId": str(use.dream_id), "generation": _told(made_in.get(use.generation_id))}
                        for use in one.uses
                    ],
                }
                yield Entry.of_json(sidecar_of(one.picture.sha256), told)

    async def _entry(self, picture_id: PydanticObjectId, picture: Picture | None) -> Entry | None:
        """The picture, unless it is lost, or the same bytes are in the archive already."""
        described = ArchivedPicture.of(picture) if picture else None
        if picture is not None and described is not None and described.file in self._shown:
            self.files[picture_id] = described.file
            return None
        data = await original(self.pictures, picture) if picture else None
        if data is None or described is None:
            self._lost.add(picture_id)
            return None
        self.files[picture_id], self._shown[described.file] = described.file, _Shown(described, {})
        return Entry(described.file, data)

    async def _generations(self, ids: Iterator[PydanticObjectId]) -> dict[PydanticObjectId, Generation]:
        found = dict[PydanticObjectId, Generation]()
        for some in chunks(dict.fromkeys(ids)):
            found |= await self.work.bear(partial(Generation.without_events, some))
        return found


def _told(generation: Generation | None) -> dict[str, Any] | None:
    """What its model was asked, and what came of it; null when nobody knows any more."""
    if generation is None:
        return None
    recipe = generation.recipe
    parameters = {name: value for name, value in recipe.parameters.items() if name != "asked"}
    told = generation.model_copy(update={"recipe": recipe.model_copy(update={"parameters": parameters})})
    return {"prompts": recipe.prompts, **Provenance.of(told).model_dump(mode="json", by_alias=True)}
