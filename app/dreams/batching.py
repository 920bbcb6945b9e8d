"""Many dreams made anew at once: what a batch of them is started with, and how each item of it starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from beanie import PydanticObjectId

from app.batches.model import Batch
from app.batches.service import LARGEST, Chosen
from app.database.keyset import Stretch
from app.dreams import listing
from app.dreams.estimating import estimated
from app.dreams.parts import Part
from app.dreams.recipes import Again, Which
from app.dreams.service import Dreams
from app.errors import bad_input
from app.generations.model import Generation


class DreamFilter(StrEnum):
    """Which dreams, by what they lack."""

    FAILED = "FAILED"
    MISSING_INTERPRETATION = "MISSING_INTERPRETATION"
    MISSING_PICTURE = "MISSING_PICTURE"
    OLDER_MODEL = "OLDER_MODEL"


@dataclass(frozen=True, slots=True)
class RegenerateEach:
    """Implements `StartItem`: the subjects are dreams."""

    dreams: Dreams

    async def __call__(self, batch: Batch, subject_id: PydanticObjectId, key: str) -> Generation:
        """Make one anew.

        Raises:
            AppError: as `Dreams.regenerate`.
        """
        again = _read(batch.parameters)
        return await self.dreams.regenerate(batch.owner_id, subject_id, again, key, batch.identity)


def parameters_of_batch(again: Again) -> dict[str, str]:
    """What each item is started with."""
    parts = str(again.parts) if isinstance(again.parts, Which) else ",".join(sorted(again.parts))
    given = {"parts": parts, "wish": again.wish, "textModel": again.text_model, "imageModel": again.image_model}
    return {name: value for name, value in given.items() if value is not None}


def parts_for(wanted: DreamFilter) -> Which:
    """What is made of dreams that are found by that filter."""
    return Which.OLDER if wanted is DreamFilter.OLDER_MODEL else Which.LACKING


async def these(dreams: Dreams, owner_id: PydanticObjectId, again: Again, ids: Sequence[PydanticObjectId]) -> Chosen:
    """The dreams of those ids, whosoever they are: the items of another's say so."""
    return Chosen(ids, await estimated(dreams, owner_id, again, ids))


async def those_like(dreams: Dreams, owner_id: PydanticObjectId, again: Again, wanted: DreamFilter) -> Chosen:
    """The owner's dreams that are like that, the newest first, as many as a batch holds.

    Raises:
        AppError: BAD_USER_INPUT when they are none.
    """
    found = await listing.ids(owner_id, _where(dreams, again, wanted), Stretch(LARGEST))
    if not found:
        raise bad_input("No dream of yours is like that.", "input", "filter")
    return await these(dreams, owner_id, again, found)


def _where(dreams: Dreams, again: Again, wanted: DreamFilter) -> listing.Lacking:
    if wanted is DreamFilter.FAILED:
        return listing.failed()
    if wanted is DreamFilter.OLDER_MODEL:
        return listing.older_than(again.newest(dreams.models))
    return listing.without(Part.INTERPRETATION if wanted is DreamFilter.MISSING_INTERPRETATION else Part.PICTURE)


def _read(parameters: dict[str, str]) -> Again:
    parts = parameters["parts"]
    return Again(
        Which(parts) if parts in Which.__members__ else frozenset(Part(part) for part in parts.split(",")),
        parameters.get("wish"),
        parameters.get("textModel"),
        parameters.get("imageModel"),
    )
