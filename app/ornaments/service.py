"""The use cases of ornaments: make one of a photo, make another of what was made."""

from dataclasses import dataclass

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode, bad_input, not_found
from app.generations.model import Generation
from app.generations.recipe import Recipe, RecipePicture
from app.generations.service import Generations
from app.ornaments.kinds import KINDS
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.pictures.colours import parse_colour
from app.pictures.model import Picture
from app.providers.ports.image import ImageModel, ImageTask

GENERATION_KIND = "ORNAMENT"
PROMPT_MAX_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Ornaments:
    """Starts generations of ornament images; `model` is the one that new work is given to."""

    generations: Generations
    model: ImageModel

    async def upload(self, picture: Picture, prompt: str | None, background: str, key: str | None) -> Generation:
        """Put the ornament of a photo on a plain background; the photo's owner owns the result.

        Raises:
            AppError: BAD_USER_INPUT for a prompt that is too long or a colour we don't know, CONFLICT for a
                used idempotency key.
        """
        wish = (prompt or "").strip()
        check_upload(wish, background)
        kind = KINDS[OrnamentKind.WHITE_BACKGROUND]
        prompts = (kind.instruction(background.strip()), *([wish] if wish else []))
        parameters = {"kind": OrnamentKind.WHITE_BACKGROUND, "background": background.strip()}
        recipe = self._recipe(kind.task, prompts, picture, parameters, None)
        return await self.generations.start(picture.owner_id, GENERATION_KIND, recipe, key)

    async def regenerate(
        self, owner_id: PydanticObjectId, image_id: PydanticObjectId, wish: str, key: str | None
    ) -> Generation:
        """Make a child of an image: the picture it shows and its prompts, plus one more wish.

        Raises:
            AppError: BAD_USER_INPUT for a wish that is empty or too long, NOT_FOUND, FORBIDDEN for another's
                image, CONFLICT for a used idempotency key.
        """
        wish = wish.strip()
        if not wish:
            raise bad_input("Say what should be different about the image.", "input", "prompt")
        _check_length(wish)
        parent = await self.owned(owner_id, image_id)
        picture = await Picture.get(parent.picture_id)
        if picture is None:
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "The picture of this image is gone; regenerate its parent.")
        parameters = {"kind": parent.kind, "background": parent.background_color}
        recipe = self._recipe(ImageTask.ADJUST, (*parent.prompts, wish), picture, parameters, parent.identity)
        return await self.generations.start(owner_id, GENERATION_KIND, recipe, key)

    async def owned(self, owner_id: PydanticObjectId, image_id: PydanticObjectId) -> OrnamentImage:
        """An image of that owner.

        Raises:
            AppError: NOT_FOUND, or FORBIDDEN when it is another's.
        """
        image = await OrnamentImage.get(image_id)
        if image is None:
            raise not_found("This image", "input", "imageId")
        if image.owner_id != owner_id:
            raise AppError(ErrorCode.FORBIDDEN, "This image belongs to somebody else.", path=("input", "imageId"))
        return image

    def _recipe(
        self,
        task: ImageTask,
        prompts: tuple[str, ...],
        picture: Picture,
        parameters: dict[str, str],
        parent_id: PydanticObjectId | None,
    ) -> Recipe:
        return Recipe(
            task=task,
            prompts=prompts,
            pictures=(RecipePicture(picture_id=picture.identity, sha256=picture.sha256),),
            provider=self.model.name,
            model=self.model.model,
            parameters=parameters,
            parent_id=parent_id,
        )


def renewed(model: ImageModel, recipe: Recipe) -> Recipe:
    """The same wishes, for that model."""
    return recipe.model_copy(update={"provider": model.name, "model": model.model})


def check_upload(wish: str, background: str) -> None:
    """Look at the words before any picture is taken in.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    _check_length(wish)
    try:
        parse_colour(background)
    except AppError as error:
        raise error.at("input", "backgroundColor") from error


def _check_length(wish: str) -> None:
    if len(wish) > PROMPT_MAX_CHARACTERS:
        raise bad_input(f"The prompt is too long: at most {PROMPT_MAX_CHARACTERS:,} characters.", "input", "prompt")
