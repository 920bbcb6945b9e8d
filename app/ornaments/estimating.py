"""What a generation of an ornament image would cost, before it is started."""

from collections.abc import Sequence

from beanie import PydanticObjectId

from app.batches.model import Estimate
from app.errors import AppError
from app.generations.recipe import RecipePicture
from app.making.estimating import estimated
from app.ornaments.asked import Asked
from app.ornaments.model import OrnamentKind
from app.ornaments.regenerating import Again
from app.ornaments.service import Ornaments, check, first_recipe
from app.providers.ports.model import Source


def estimated_first(
    ornaments: Ornaments, owner_id: PydanticObjectId, kind: OrnamentKind, asked: Asked
) -> Estimate | None:
    """What a first version of a kind costs, of pictures that need not be there yet; null when nobody knows it.

    Raises:
        AppError: BAD_USER_INPUT for words that are too long or do not fit together.
    """
    check(kind, asked)
    not_there = RecipePicture(picture_id=PydanticObjectId(), sha256="")
    pictures = [not_there] * sum(asked.pictures.values())
    recipe = first_recipe(kind, asked, pictures, ornaments.model)
    return estimated(ornaments.model, ornaments.generations, owner_id, recipe)


async def estimated_children(
    ornaments: Ornaments, owner_id: PydanticObjectId, ids: Sequence[PydanticObjectId], again: Again
) -> Estimate | None:
    """What one child of any of those images costs: they differ in the length of their prompts alone.

    Null when nobody knows it, or none of them can have a child.
    """
    if ornaments.model.source is not Source.PROVIDER:
        return Estimate(cost=0)
    for image_id in ids:
        try:
            recipe = await ornaments.recipe_of_child(owner_id, image_id, again)
        except AppError:
            continue
        return estimated(ornaments.model, ornaments.generations, owner_id, recipe)
    return None
