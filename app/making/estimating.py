"""What a generation of one version would cost, before it is started."""

from beanie import PydanticObjectId

from app.batches.model import Estimate
from app.costs.usage import of_one_call
from app.generations.recipe import Recipe
from app.generations.service import Generations
from app.making.versions import request_of
from app.providers.ports.image import ImageModel
from app.providers.ports.model import Reference, Source

_UNREAD = Reference(b"", "image/png")
"""What a call uses is reckoned by how many pictures it is sent, not by their bytes."""


def estimated(
    model: ImageModel, generations: Generations, owner_id: PydanticObjectId, recipe: Recipe
) -> Estimate | None:
    """What one generation of that recipe costs by a cautious guess, made by that model; null when nobody knows it.

    What is made on this server costs nothing.
    """
    if model.source is not Source.PROVIDER:
        return Estimate(cost=0)
    prices = generations.closing.budgets.prices
    usage = model.expected_usage(request_of(recipe, [_UNREAD] * len(recipe.pictures), owner_id))
    cost = prices.cost(model.model, of_one_call(usage), generations.clock.now())
    return None if cost is None else Estimate(cost=cost, currency=prices.currency)
