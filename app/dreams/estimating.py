"""What making a dream anew would cost, before it is started."""

from collections.abc import Sequence
from contextlib import suppress

from beanie import PydanticObjectId

from app.access import owns
from app.batches.model import Estimate
from app.costs.usage import Usage, of_one_call
from app.dreams.model import Dream
from app.dreams.parts import Part
from app.dreams.recipes import Again
from app.dreams.service import Dreams
from app.dreams.wording import INSTRUCTIONS, InterpretationAnswer
from app.errors import AppError
from app.providers.ports.image import ImageRequest, ImageTask
from app.providers.ports.model import Model, Source
from app.providers.ports.text import TextRequest

_PREVIEWS = 2
_PICTURE_PROMPT = "a" * 2_000
"""As long as one gets: what it shows is not written yet."""


async def estimated(
    dreams: Dreams, owner_id: PydanticObjectId, again: Again, ids: Sequence[PydanticObjectId]
) -> Estimate | None:
    """What the dearest of the owner's dreams in `ids` (400 at most) costs, by a cautious guess; one read.

    Null when nobody knows it, or when none of them can be made anew.
    """
    costs = list[int | None]()
    for dream in (await Dream.by_ids(ids)).values():
        if owns(owner_id, dream):
            with suppress(AppError):  # its item says so
                costs.append(_cost_of(dreams, again, dream))
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) < len(costs):
        return None
    cost = max(known)
    return Estimate(cost=cost, currency=dreams.starter.generations.closing.budgets.prices.currency if cost else None)


def _cost_of(dreams: Dreams, again: Again, dream: Dream) -> int | None:
    """Null when a price is unknown.

    Raises:
        AppError: it can't be made anew.
    """
    generations, total = dreams.starter.generations, 0
    for model, name, usage in _calls(dreams, again, dream):
        if model.source is not Source.PROVIDER:
            continue
        cost = generations.closing.budgets.prices.cost(name, of_one_call(usage), generations.clock.now())
        if cost is None:
            return None
        total += cost
    return total


def _calls(dreams: Dreams, again: Again, dream: Dream) -> list[tuple[Model, str, Usage]]:
    """The models that are asked, under which names, and what each uses."""
    parts, calls = again.parts_of(dream, dreams.models), list[tuple[Model, str, Usage]]()
    if Part.INTERPRETATION in parts:
        by = dreams.models.text_model(again.text_model)
        writer = dreams.models.texts[by.provider]
        request = TextRequest(INSTRUCTIONS, dream.text, InterpretationAnswer)
        calls.append((writer, by.model, writer.expected_usage(request)))
    if Part.PICTURE in parts:
        by = dreams.models.image_model(again.image_model)
        painter = dreams.models.images[by.provider]
        picture = ImageRequest(ImageTask.CREATE, _PICTURE_PROMPT, (), previews=_PREVIEWS)
        calls.append((painter, by.model, painter.expected_usage(picture)))
    return calls
