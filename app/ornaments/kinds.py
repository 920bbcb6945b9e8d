"""The kinds of product picture, each with its recipe: one file and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.ornaments import (
    background_change,
    campaign_shot,
    model_with_ornament,
    real_model_with_ornament,
    white_background,
)
from app.ornaments.asked import Asked, Role
from app.ornaments.model import OrnamentKind
from app.providers.ports.image import ImageTask


@dataclass(frozen=True, slots=True)
class KindRecipe:
    """How a first version of a kind is made.

    `instruction` is what the model is told before the user's own wish; `task` tells the same to local processing;
    `roles` is the order in which the pictures reach the model. `check` raises BAD_USER_INPUT with the path of the
    argument at fault for what does not fit together.
    """

    instruction: Callable[[Asked], str]
    task: ImageTask
    roles: tuple[Role, ...]
    check: Callable[[Asked], None]


KINDS: Mapping[OrnamentKind, KindRecipe] = MappingProxyType(
    {
        kind: KindRecipe(recipe.instruction, recipe.TASK, recipe.ROLES, recipe.check)
        for kind, recipe in (
            (OrnamentKind.WHITE_BACKGROUND, white_background),
            (OrnamentKind.BACKGROUND_CHANGE, background_change),
            (OrnamentKind.MODEL_WITH_ORNAMENT, model_with_ornament),
            (OrnamentKind.REAL_MODEL_WITH_ORNAMENT, real_model_with_ornament),
            (OrnamentKind.CAMPAIGN_SHOT_ADVANCED, campaign_shot),
        )
    }
)
