"""CAMPAIGN_SHOT_ADVANCED: one advertising picture of several ornaments, worn by a model."""

from app.errors import bad_input
from app.ornaments.asked import Asked, ModelType, Role
from app.ornaments.words import listed, measured
from app.providers.ports.image import ImageTask

TASK = ImageTask.COMPOSE
ROLES = (Role.ORNAMENT, Role.MODEL, Role.THEME)
_ORNAMENTS_MAX, _THEMES_MAX = 8, 4


def instruction(asked: Asked) -> str:
    """What the model is told before the user's own wish; pictures are named by their place among them."""
    ornaments = [f"{name} (picture {place})" for place, name in enumerate(asked.ornament_names, 1)]
    who = "a model"
    themes_from = len(ornaments) + 1
    if asked.model_type is ModelType.REAL_MODEL:
        who = f"the person of picture {themes_from}, whose face and body stay as they are"
        themes_from += 1
    themes = [str(place) for place in range(themes_from, themes_from + asked.pictures.get(Role.THEME, 0))]
    theme = f". Take mood, light and setting from picture {listed(themes)}" if themes else ""
    return (
        f"Make the advertising photograph of a jewellery campaign: {who} wears {listed(ornaments)}. "
        f"Keep each piece true in shape, material and scale{theme}{measured(asked)}"
    )


def check(asked: Asked) -> None:
    """One name for each ornament, and the model's picture exactly where a real one is wanted.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    ornaments, themes = asked.pictures.get(Role.ORNAMENT, 0), asked.pictures.get(Role.THEME, 0)
    if not 1 <= ornaments <= _ORNAMENTS_MAX:
        message = f"A campaign shows 1 to {_ORNAMENTS_MAX} ornaments, not {ornaments}."
        raise bad_input(message, "input", "ornamentImages")
    if len(asked.ornament_names) != ornaments:
        message = f"There are {ornaments} ornamentImages and {len(asked.ornament_names)} ornamentNames: name each one."
        raise bad_input(message, "input", "ornamentNames")
    if themes > _THEMES_MAX:
        raise bad_input(f"A campaign takes at most {_THEMES_MAX} pictures of a theme.", "input", "themeImages")
    if asked.model_type is ModelType.REAL_MODEL and not asked.shows(Role.MODEL):
        raise bad_input("REAL_MODEL needs a modelImage: a photo of the person.", "input", "modelImage")
    if asked.model_type is not ModelType.REAL_MODEL and asked.shows(Role.MODEL):
        raise bad_input("A modelImage is for REAL_MODEL; leave it out for AI_MODEL.", "input", "modelImage")
