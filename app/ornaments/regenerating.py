"""From an image to the recipe of a child of it."""

from dataclasses import dataclass
from typing import Final

from app.errors import bad_input
from app.generations.recipe import Recipe, RecipePicture
from app.lineage.again import Again as Wanted
from app.lineage.wishes import check_combined
from app.ornaments.asked import Asked, ModelType, Role
from app.ornaments.kinds import KINDS
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.versions import origin_with_sources
from app.providers.ports.image import ImageModel, ImageTask

FROM_ONE_PICTURE: Final = frozenset(
    {OrnamentKind.WHITE_BACKGROUND, OrnamentKind.BACKGROUND_CHANGE, OrnamentKind.MODEL_WITH_ORNAMENT}
)
"""Kinds that need no picture but the ornament's, and no words but a wish: an image can be made one of them."""


@dataclass(frozen=True, slots=True)
class Again(Wanted):
    """The same of an ornament image; `kind` is null for the parent's own."""

    kind: OrnamentKind | None = None


def child_recipe(parent: OrnamentImage, picture: RecipePicture, again: Again, model: ImageModel) -> Recipe:
    """What the child is made from; `picture` is what the parent shows.

    A child of the parent's kind is the parent's picture, adjusted. One of another kind is what that kind makes of the
    parent's picture, as if it were the photo of the ornament: its instruction stands before the wish.

    Raises:
        AppError: BAD_USER_INPUT for a kind that needs more than that picture, and for prompts that are too long
            together.
    """
    task, instructions = ImageTask.ADJUST, tuple[str, ...]()
    parameters = parameters_of(parent.kind, parent.background_color, parent.measurements, parent.model_type)
    if again.kind not in {None, parent.kind}:
        kind, asked = _other_kind(parent, again)
        task, instructions = KINDS[kind].task, (KINDS[kind].instruction(asked),)
        parameters = parameters_of(kind, asked.background, asked.measurements, None)
    prompts = (*parent.prompts, *instructions, again.wish)
    check_combined(*prompts, taken_by="`uploadOrnament` and the like take it")
    return Recipe(
        task=task,
        prompts=prompts,
        pictures=(picture,),
        provider=model.name,
        model=model.model,
        parameters=parameters | again.numbered,
        parent_id=parent.identity,
        origin=origin_with_sources(parent),
        template=again.template,
    )


def parameters_of(
    kind: OrnamentKind, background: str | None, measurements: str | None, model_type: ModelType | None
) -> dict[str, str]:
    """Those of a recipe."""
    given = {"kind": kind, "background": background, "measurements": measurements, "modelType": model_type}
    return {name: value for name, value in given.items() if value is not None}


def _other_kind(parent: OrnamentImage, again: Again) -> tuple[OrnamentKind, Asked]:
    """The kind, and what is asked of it."""
    if again.kind is None or again.kind not in FROM_ONE_PICTURE:
        message = f"An image can't be made {again.kind}, which needs more pictures: start from photos."
        raise bad_input(message, "input", "kind")
    background = "white" if again.kind is OrnamentKind.WHITE_BACKGROUND else None
    return again.kind, Asked(again.wish, {Role.ORNAMENT: 1}, background, parent.measurements)
