"""The recipe of the generation that makes an answer's images."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.chats.exchange import Exchange
from app.chats.parts import Reference
from app.generations.recipe import Recipe, RecipePicture
from app.making.chosen import Chosen
from app.providers.ports.image import ImageModel
from app.providers.ports.vision import VisionModel

GENERATION_KIND = "CHAT"
CHAT_PARAMETER = "chatId"
"""Of the recipes of all work for a chat: which one."""
_TASK = "CHAT"


@dataclass(frozen=True, slots=True)
class ChatModels:
    """Those that new work is given to: who makes the images, and who looks at the references."""

    image: ImageModel
    vision: VisionModel

    @property
    def chosen(self) -> dict[str, str]:
        """Who looks at pictures, as a recipe's parameters say it."""
        return {"visionProvider": self.vision.name, "visionModel": self.vision.model}


def recipe_of(exchange: Exchange, context_text: str | None, models: ChatModels) -> Recipe:
    """What all images of an answer are made from; `context_text` is the project's now, null where it is not wanted."""
    given = {
        CHAT_PARAMETER: str(exchange.chat_id),
        "imageCount": str(len(exchange.slots)),
        "withContext": str(exchange.with_context).lower(),
        "contextText": context_text,
        "indexes": _listed(range(len(exchange.slots))),
        **models.chosen,
    }
    return Recipe(
        task=_TASK,
        prompts=(exchange.prompt, *([exchange.wish] if exchange.wish else [])),
        pictures=_distinct(exchange.references),
        provider=models.image.name,
        model=models.image.model,
        parameters={name: value for name, value in given.items() if value is not None},
        parent_id=exchange.identity,
        template=exchange.template,
    )


def recipe_of_missing(exchange: Exchange, before: Recipe, models: ChatModels) -> Recipe:
    """The same as before, context included, for the images that are missing and with whoever makes such things now."""
    parameters = {**before.parameters, "indexes": _listed(exchange.missing), **models.chosen}
    return before.model_copy(
        update={"provider": models.image.name, "model": models.image.model, "parameters": parameters}
    )


def indexes_in(recipe: Recipe) -> tuple[int, ...]:
    """The numbers of the images that a recipe is of."""
    return tuple(int(number) for number in recipe.parameters["indexes"].split(","))


def describer_of(recipe: Recipe) -> Chosen:
    """Who looks at the references."""
    return Chosen(recipe.parameters["visionProvider"], recipe.parameters["visionModel"])


def _distinct(references: Sequence[Reference]) -> tuple[RecipePicture, ...]:
    """The same bytes guide once, under whatever ids they were given."""
    first = dict[str, RecipePicture]()
    for one in references:
        first.setdefault(one.sha256, RecipePicture(picture_id=one.picture_id, sha256=one.sha256))
    return tuple(first.values())


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(str(number) for number in numbers)
