"""What is asked for of a dream, and the recipe of the generation that makes it."""

import json
from dataclasses import dataclass
from enum import StrEnum

from app.dreams.choosing import DreamModels, Newest
from app.dreams.model import Dream
from app.dreams.parts import BOTH, Part
from app.dreams.wording import picture_prompt
from app.errors import AppError, ErrorCode, bad_input
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.making.chosen import Chosen

GENERATION_KIND = "DREAM"
_TASK = "DREAM"
_NO_TEXT = "There is no interpretation that a picture could be drawn from: ask for both parts."


class Which(StrEnum):
    """Parts that are found by looking at the dream."""

    LACKING = "LACKING"
    """Those that it does not have."""
    OLDER = "OLDER"
    """Those that an older model made than the one that would make them, and those that it does not have."""


@dataclass(frozen=True, slots=True)
class Again:
    """What is to be made; null for a model: the one for new work."""

    parts: frozenset[Part] | Which = BOTH
    wish: str | None = None
    text_model: str | None = None
    image_model: str | None = None

    @property
    def asked(self) -> str:
        """What two calls with the same idempotency key must have in common."""
        parts = str(self.parts) if isinstance(self.parts, Which) else sorted(self.parts)
        return json.dumps([parts, self.wish, self.text_model, self.image_model])

    def parts_of(self, dream: Dream, models: DreamModels) -> frozenset[Part]:
        """Which parts of that dream.

        Raises:
            AppError: BAD_USER_INPUT when it is the picture alone, and there is no interpretation; CONFLICT when
                nothing is missing of it.
        """
        if not isinstance(self.parts, Which):
            if Part.INTERPRETATION not in self.parts and dream.interpretation is None:
                raise bad_input(_NO_TEXT, "input", "parts")
            return self.parts
        there = dream.parts.there - (self._older(dream, models) if self.parts is Which.OLDER else frozenset())
        if there == BOTH:
            raise AppError(ErrorCode.CONFLICT, "Nothing is missing of it any more.", path=("input", "dreamId"))
        return BOTH - there

    def newest(self, models: DreamModels) -> dict[Part, Newest]:
        """Who makes each of the parts that are wanted; of parts that are to be found, each of both."""
        newest = models.newest(self.text_model, self.image_model)
        return newest if isinstance(self.parts, Which) else {part: newest[part] for part in self.parts}

    def _older(self, dream: Dream, models: DreamModels) -> frozenset[Part]:
        made = {Part.INTERPRETATION: dream.interpretation, Part.PICTURE: dream.illustration}
        newest = self.newest(models)
        return frozenset(part for part, one in made.items() if one is not None and newest[part].is_newer_than(one))


def recipe_of(dream: Dream, parts: frozenset[Part], again: Again, models: DreamModels) -> Recipe:
    """What the parts are made from: the dream as it is told now, or what its interpretation shows.

    Raises:
        AppError: BAD_USER_INPUT for a model that is not set up.
    """
    text, image = models.text_model(again.text_model), models.image_model(again.image_model)
    given = {
        "parts": ",".join(sorted(parts)),
        "asked": again.asked,
        "wish": again.wish,
        "mood": dream.mood,
        "lucid": None if dream.lucid is None else str(dream.lucid).lower(),
        "imageProvider": image.provider,
        "imageModel": image.model,
    }
    first = text if Part.INTERPRETATION in parts else image
    return Recipe(
        task=_TASK,
        prompts=(_prompt(dream, parts), *([again.wish] if again.wish else [])),
        pictures=(),
        provider=first.provider,
        model=first.model,
        parameters={name: value for name, value in given.items() if value is not None},
        parent_id=dream.identity,
    )


def parts_in(recipe: Recipe) -> frozenset[Part]:
    """Which parts a recipe is of."""
    return frozenset(Part(part) for part in recipe.parameters["parts"].split(","))


def painter_of(recipe: Recipe) -> Chosen:
    """Who draws the picture."""
    return Chosen(recipe.parameters["imageProvider"], recipe.parameters["imageModel"])


def is_same(known: Recipe, dream: Dream, again: Again) -> bool:
    """Whether a recipe is what is asked for."""
    return known.parent_id == dream.identity and known.parameters.get("asked") == again.asked


def again_of(generation: Generation, dream: Dream, models: DreamModels) -> Again:
    """The same wish once more: what is missing of what it was to make, or else all.

    By the models that were asked for, if they are still set up, or else by those for new work.
    """
    recipe = generation.recipe
    parts = parts_in(recipe)
    text, image = _models_asked_for(recipe)
    return Again(
        (parts - dream.parts.there) or parts,
        recipe.parameters.get("wish"),
        text if text is not None and models.has_text_model(text) else None,
        image if image is not None and models.has_image_model(image) else None,
    )


def _models_asked_for(recipe: Recipe) -> tuple[str | None, str | None]:
    """The text model and the image model; null for what was left to the server."""
    *_, text, image = json.loads(recipe.parameters["asked"])
    return text, image


def _prompt(dream: Dream, parts: frozenset[Part]) -> str:
    if Part.INTERPRETATION in parts or dream.interpretation is None:
        return dream.text
    return picture_prompt(dream.interpretation)
