"""A further version of one that is there: what is wanted of it, what it is made from, what is written in the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.errors import AppError, ErrorCode, bad_input
from app.generations.model import Generation
from app.generations.recipe import Origin, OriginPicture, RecipePicture, UsedTemplate
from app.lineage.place import Lineage
from app.lineage.trash import in_trash
from app.lineage.version import Version
from app.lineage.wishes import check_wish, combined
from app.pictures.model import Picture
from app.providers.ports.model import Source

VARIATIONS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Again:
    """What is wanted of an image that is there.

    `template` is the saved prompt that the wish comes from. `variation` is its number, from 1, among `variations` of
    the same wish.
    """

    wish: str
    template: UsedTemplate | None = None
    variation: int = 1
    variations: int = 1

    @property
    def numbered(self) -> dict[str, str]:
        """What tells the recipes of several variations apart: no two of them are the same work."""
        return {"variation": f"{self.variation}/{self.variations}"} if self.variations > 1 else {}


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


async def picture_to_go_on_from(parent: Version) -> RecipePicture:
    """The one that a child of it is made from.

    Raises:
        AppError: CONFLICT for an image in the trash, SOURCE_IMAGE_MISSING.
    """
    if parent.trashed_at is not None:
        raise in_trash("This image", "input", "imageId")
    picture = await Picture.row_by_id(parent.picture_id, ("sha256",))
    if picture is None:
        raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "The picture of this image is gone; regenerate its parent.")
    return RecipePicture(picture_id=picture.identity, sha256=picture.sha256)


def origin_of(parent: Version, sources: Sequence[OriginPicture] = ()) -> Origin:
    """What a child takes over from it; `sources` are what the root was made from, where its product keeps that."""
    return Origin(
        ancestors=(*parent.lineage.ancestors, parent.identity),
        original_prompt=parent.original_prompt,
        sources=tuple(sources),
    )


def version_made_by(generation: Generation, origin: Origin | None) -> dict[str, Any]:
    """The fields that every version has, from a succeeded generation whose step `picture` made it.

    The first of its prompts is an instruction, none of the user's own words.
    """
    made, recipe = generation.steps["picture"], generation.recipe
    wish = recipe.prompts[-1] if origin or len(recipe.prompts) > 1 else None
    lineage = Lineage.below(*origin.ancestors) if origin else Lineage.of_root(generation.result_id)
    return {
        "id": generation.result_id,
        "owner_id": generation.owner_id,
        "picture_id": made["pictureId"],
        "generation_id": generation.identity,
        "lineage": lineage,
        "parent_id": lineage.parent_id,
        "prompt": wish,
        "original_prompt": origin.original_prompt if origin else combined(*recipe.prompts),
        "new_prompt": wish if origin else None,
        "prompts": recipe.prompts,
        "combined_prompt": combined(*recipe.prompts),
        "source": Source(made["source"]),
        "created_at": generation.created_at,
    }
