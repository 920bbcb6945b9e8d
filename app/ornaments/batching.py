"""Many images regenerated with one wish: what a batch of them is started with, and how each item of it starts."""

from collections.abc import Sequence
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.batches.model import Batch
from app.batches.service import LARGEST, Chosen
from app.database.keyset import Stretch
from app.errors import bad_input
from app.generations.model import Generation
from app.generations.recipe import UsedTemplate
from app.lineage.again import check_again
from app.ornaments import gallery
from app.ornaments.estimating import estimated_children
from app.ornaments.gallery import Wanted
from app.ornaments.model import OrnamentKind
from app.ornaments.regenerating import FROM_ONE_PICTURE, Again
from app.ornaments.service import Ornaments


@dataclass(frozen=True, slots=True)
class RegenerateEach:
    """Implements `StartItem`: the subjects are images, each gets a child."""

    ornaments: Ornaments

    async def __call__(self, batch: Batch, subject_id: PydanticObjectId, key: str) -> Generation:
        """Regenerate one.

        Raises:
            AppError: as `Ornaments.again`.
        """
        again = _read(batch.parameters)
        return await self.ornaments.again(batch.owner_id, subject_id, again, key, batch.identity)


def parameters_of_batch(again: Again) -> dict[str, str]:
    """What each item is started with.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault, whatever the images.
    """
    check_again(again)
    if again.kind is not None and again.kind not in FROM_ONE_PICTURE:
        possible = ", ".join(sorted(FROM_ONE_PICTURE))
        raise bad_input(f"Images can be made {possible}; {again.kind} needs more pictures.", "input", "kind")
    given = {"wish": again.wish, "kind": again.kind}
    if again.template is not None:
        given["template"] = again.template.model_dump_json()
    return {name: value for name, value in given.items() if value is not None}


async def these(
    ornaments: Ornaments, owner_id: PydanticObjectId, again: Again, ids: Sequence[PydanticObjectId]
) -> Chosen:
    """The images of those ids."""
    return Chosen(ids, await estimated_children(ornaments, owner_id, ids, again))


async def those_like(ornaments: Ornaments, owner_id: PydanticObjectId, again: Again, wanted: Wanted) -> Chosen:
    """The owner's images that are wanted, the newest first.

    Raises:
        AppError: BAD_USER_INPUT when they are none, or more than a batch holds.
    """
    found = await gallery.images(owner_id, wanted, Stretch(LARGEST + 1))
    if not found:
        raise bad_input("No image of yours is like that.", "input", "filter")
    if len(found) > LARGEST:
        message = f"More than {LARGEST} images are like that, which is as many as a batch holds: narrow the filter."
        raise bad_input(message, "input", "filter")
    return await these(ornaments, owner_id, again, [image.identity for image in found])


def _read(parameters: dict[str, str]) -> Again:
    kind, template = parameters.get("kind"), parameters.get("template")
    return Again(
        parameters["wish"],
        UsedTemplate.model_validate_json(template) if template else None,
        kind=OrnamentKind(kind) if kind else None,
    )
