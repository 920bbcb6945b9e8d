"""The use cases of ornaments: make one of a photo, make another of what was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode, bad_input, not_found
from app.generations.model import Generation
from app.generations.recipe import Recipe, RecipePicture
from app.generations.service import Generations
from app.lineage.trash import in_trash
from app.ornaments.asked import Asked, ModelType, Role
from app.ornaments.kinds import KINDS
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.versions import origin_of
from app.ornaments.words import check_wish, check_words
from app.pictures.model import Picture
from app.providers.ports.image import ImageModel, ImageTask

GENERATION_KIND = "ORNAMENT"


@dataclass(frozen=True, slots=True)
class Ornaments:
    """Starts generations of ornament images; `model` is the one that new work is given to."""

    generations: Generations
    model: ImageModel

    async def make(
        self,
        owner_id: PydanticObjectId,
        kind: OrnamentKind,
        asked: Asked,
        pictures: Mapping[Role, Sequence[Picture]],
        key: str | None,
    ) -> Generation:
        """Make a first version of a kind; `pictures` are those that `asked` counts.

        Raises:
            AppError: BAD_USER_INPUT for words that are too long or do not fit together, CONFLICT for a used
                idempotency key, RATE_LIMITED.
        """
        check(kind, asked)
        recipe = KINDS[kind]
        prompts = (recipe.instruction(asked), *([asked.wish] if asked.wish else []))
        return await self.generations.start(
            owner_id,
            GENERATION_KIND,
            Recipe(
                task=recipe.task,
                prompts=prompts,
                pictures=_in_order(recipe.roles, asked, pictures),
                provider=self.model.name,
                model=self.model.model,
                parameters=_parameters(kind, asked.background, asked.measurements, asked.model_type),
            ),
            key,
        )

    async def regenerate(
        self, owner_id: PydanticObjectId, image_id: PydanticObjectId, wish: str, key: str | None
    ) -> Generation:
        """Make a child of an image: the picture it shows and its prompts, plus one more wish.

        Raises:
            AppError: BAD_USER_INPUT for a wish that is empty or too long, NOT_FOUND, FORBIDDEN for another's
                image, CONFLICT for an image in the trash or a used idempotency key.
        """
        wish = wish.strip()
        if not wish:
            raise bad_input("Say what should be different about the image.", "input", "prompt")
        check_wish(wish)
        parent = await self.owned(owner_id, image_id)
        if parent.trashed_at is not None:
            raise in_trash("This image", "input", "imageId")
        picture = await Picture.get(parent.picture_id)
        if picture is None:
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "The picture of this image is gone; regenerate its parent.")
        recipe = Recipe(
            task=ImageTask.ADJUST,
            prompts=(*parent.prompts, wish),
            pictures=(RecipePicture(picture_id=picture.identity, sha256=picture.sha256),),
            provider=self.model.name,
            model=self.model.model,
            parameters=_parameters(parent.kind, parent.background_color, parent.measurements, parent.model_type),
            parent_id=parent.identity,
            origin=origin_of(parent),
        )
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


def renewed(model: ImageModel, recipe: Recipe) -> Recipe:
    """The same wishes, for that model."""
    return recipe.model_copy(update={"provider": model.name, "model": model.model})


def check(kind: OrnamentKind, asked: Asked) -> None:
    """Look at the words before any picture is taken in.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    check_words(asked)
    KINDS[kind].check(asked)


def _in_order(
    roles: Sequence[Role], asked: Asked, pictures: Mapping[Role, Sequence[Picture]]
) -> tuple[RecipePicture, ...]:
    names = {Role.ORNAMENT: asked.ornament_names}
    return tuple(
        RecipePicture(picture_id=picture.identity, sha256=picture.sha256, role=role, name=name)
        for role in roles
        for picture, name in zip_longest(pictures.get(role, ()), names.get(role, ()))
    )


def _parameters(
    kind: OrnamentKind, background: str | None, measurements: str | None, model_type: ModelType | None
) -> dict[str, str]:
    given = {"kind": kind, "background": background, "measurements": measurements, "modelType": model_type}
    return {name: value for name, value in given.items() if value is not None}
