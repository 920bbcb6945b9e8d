"""What making a dream anew would cost, before it is started."""

from collections.abc import Sequence

from beanie import PydanticObjectId

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


async def estimated(dreams: Dreams, again: Again, ids: Sequence[PydanticObjectId]) -> Estimate | None:
    """What one of those dreams costs by a cautious guess: they differ in the length of their texts alone.

    Null when nobody knows it, or when none of them can be made anew.
    """
    for dream_id in ids:
        dream = await Dream.get(dream_id)
        if dream is not None:
            return _of_one(dreams, again, dream)
    return None


def _of_one(dreams: Dreams, again: Again, dream: Dream) -> Estimate | None:
    generations, total = dreams.starter.generations, 0
    prices = generations.closing.budgets.prices
    try:
        calls = _calls(dreams, again, dream)
    except AppError:  # its item says so
        return None
    for model, name, usage in calls:
        if model.source is not Source.PROVIDER:
            continue
        cost = prices.cost(name, of_one_call(usage), generations.clock.now())
        if cost is None:
            return None
        total += cost
    return Estimate(cost=total, currency=prices.currency if total else None)


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
