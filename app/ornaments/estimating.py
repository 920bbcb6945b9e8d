"""What a generation of an ornament image would cost, before it is started."""

from collections.abc import Sequence

from beanie import PydanticObjectId

from app.batches.model import Estimate
from app.costs.usage import of_one_call
from app.errors import AppError
from app.generations.recipe import Recipe, RecipePicture
from app.ornaments.asked import Asked
from app.ornaments.jobs import request_of
from app.ornaments.model import OrnamentKind
from app.ornaments.regenerating import Again
from app.ornaments.service import Ornaments, check, first_recipe
from app.providers.ports.model import Reference, Source

_UNREAD = Reference(b"", "image/png")
"""What a call uses is reckoned by how many pictures it is sent, not by their bytes."""


def estimated(ornaments: Ornaments, owner_id: PydanticObjectId, recipe: Recipe) -> Estimate | None:
    """What one generation of that recipe costs by a cautious guess; null when nobody knows it.

    What is made on this server costs nothing.
    """
    model, prices = ornaments.model, ornaments.generations.closing.budgets.prices
    if model.source is not Source.PROVIDER:
        return Estimate(cost=0)
    usage = model.expected_usage(request_of(recipe, [_UNREAD] * len(recipe.pictures), owner_id))
    cost = prices.cost(model.model, of_one_call(usage), ornaments.generations.clock.now())
    return None if cost is None else Estimate(cost=cost, currency=prices.currency)


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
    return estimated(ornaments, owner_id, first_recipe(kind, asked, pictures, ornaments.model))


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
        return estimated(ornaments, owner_id, recipe)
    return None
