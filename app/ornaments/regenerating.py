"""From an image to the recipe of a child of it."""

from dataclasses import dataclass
from typing import Final

from app.errors import bad_input
from app.generations.recipe import Recipe, RecipePicture, UsedTemplate
from app.lineage.wishes import check_combined
from app.ornaments.asked import Asked, ModelType, Role
from app.ornaments.kinds import KINDS
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.versions import origin_of
from app.ornaments.words import check_wish
from app.pictures.model import Picture
from app.providers.ports.image import ImageModel, ImageTask

VARIATIONS_MAX: Final = 4
FROM_ONE_PICTURE: Final = frozenset(
    {OrnamentKind.WHITE_BACKGROUND, OrnamentKind.BACKGROUND_CHANGE, OrnamentKind.MODEL_WITH_ORNAMENT}
)
"""Kinds that need no picture but the ornament's, and no words but a wish: an image can be made one of them."""


@dataclass(frozen=True, slots=True)
class Again:
    """What is wanted of an image that is there.

    `kind` is null for the parent's own, `template` is the saved prompt that the wish comes from. `variation` is its
    number, from 1, among `variations` of the same wish.
    """

    wish: str
    kind: OrnamentKind | None = None
    template: UsedTemplate | None = None
    variation: int = 1
    variations: int = 1


def check_again(again: Again) -> None:
    """Look at what is wanted, whatever the image.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    if not again.wish:
        raise bad_input("Say what should be different about the image.", "input", "prompt")
    check_wish(again.wish)
    check_variations(again.variations)


def check_variations(variations: int) -> None:
    """Look at how many children there are to be.

    Raises:
        AppError: BAD_USER_INPUT with its path.
    """
    if not 1 <= variations <= VARIATIONS_MAX:
        raise bad_input(f"`variations` is from 1 to {VARIATIONS_MAX}, not {variations}.", "input", "variations")


def child_recipe(parent: OrnamentImage, picture: Picture, again: Again, model: ImageModel) -> Recipe:
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
    if again.variations > 1:  # no two of them are the same work
        parameters["variation"] = f"{again.variation}/{again.variations}"
    prompts = (*parent.prompts, *instructions, again.wish)
    check_combined(*prompts)
    return Recipe(
        task=task,
        prompts=prompts,
        pictures=(RecipePicture(picture_id=picture.identity, sha256=picture.sha256),),
        provider=model.name,
        model=model.model,
        parameters=parameters,
        parent_id=parent.identity,
        origin=origin_of(parent),
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
