"""The use cases of ornaments: make one of a photo, make another of what was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from beanie import PydanticObjectId

from app.access import require_own
from app.errors import AppError
from app.generations.model import Generation
from app.generations.recipe import Recipe, RecipePicture, UsedTemplate
from app.generations.service import Generations
from app.lineage.again import check_again, picture_to_go_on_from
from app.lineage.promotion import promote
from app.lineage.sources import require_sources
from app.lineage.trash import in_trash
from app.lineage.votes import vote
from app.ornaments.asked import Asked, Role
from app.ornaments.kinds import KINDS
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.regenerating import Again, child_recipe, parameters_of
from app.ornaments.words import check_words
from app.pictures.model import Picture
from app.providers.ports.image import ImageModel

GENERATION_KIND = "ORNAMENT"
_IMAGE = ("This image", "input", "imageId")


@dataclass(frozen=True, slots=True)
class Ornaments:
    """Starts generations of ornament images; `model` is the one that new work is given to."""

    generations: Generations
    model: ImageModel

    async def make(
        self,
        owner_id: PydanticObjectId,
        kind: OrnamentKind,
        wanted: Asked,
        pictures: Mapping[Role, Sequence[Picture]],
        key: str | None,
        asked: str | None = None,
    ) -> Generation:
        """Make a first version of a kind; `pictures` are those that `wanted` counts, `asked` is as for `start`.

        Raises:
            AppError: BAD_USER_INPUT for words that are too long or do not fit together, CONFLICT for a used
                idempotency key, RATE_LIMITED.
        """
        check(kind, wanted)
        recipe = first_recipe(kind, wanted, _in_order(KINDS[kind].roles, wanted, pictures), self.model)
        return await self.generations.start(owner_id, GENERATION_KIND, recipe, key, asked=asked)

    async def regenerate(
        self,
        owner_id: PydanticObjectId,
        image_id: PydanticObjectId,
        wish: str,
        key: str | None,
        template: UsedTemplate | None = None,
    ) -> Generation:
        """Make a child of an image: the picture it shows and its prompts, plus one more wish.

        `template` is where the wish comes from, null without one.

        Raises:
            AppError: as `again`.
        """
        return await self.again(owner_id, image_id, Again(wish.strip(), template=template), key)

    async def again(
        self,
        owner_id: PydanticObjectId,
        image_id: PydanticObjectId,
        again: Again,
        key: str | None,
        batch_id: PydanticObjectId | None = None,
        asked: str | None = None,
    ) -> Generation:
        """The same, with all that may be wanted; `batch_id` is the batch it is an item of, `asked` as for `start`.

        Raises:
            AppError: as `recipe_of_child`; CONFLICT for a used idempotency key, RATE_LIMITED, QUOTA_EXCEEDED.
        """
        recipe = await self.recipe_of_child(owner_id, image_id, again)
        return await self.generations.start(owner_id, GENERATION_KIND, recipe, key, batch_id=batch_id, asked=asked)

    async def recipe_of_child(self, owner_id: PydanticObjectId, image_id: PydanticObjectId, again: Again) -> Recipe:
        """What a child of an image is made from.

        Raises:
            AppError: BAD_USER_INPUT for a wish that is empty or too long, or a kind that needs more; NOT_FOUND,
                FORBIDDEN for another's image, CONFLICT for an image in the trash.
        """
        check_again(again)
        parent = require_own(owner_id, await OrnamentImage.row_by_id(image_id), *_IMAGE)
        return child_recipe(parent, await picture_to_go_on_from(parent), again, self.model)

    async def promote(self, owner_id: PydanticObjectId, image_id: PydanticObjectId) -> OrnamentImage:
        """Choose a version, in place of any other of its tree; safe to repeat.

        Raises:
            AppError: NOT_FOUND, FORBIDDEN for another's image, CONFLICT for an image in the trash.
        """
        image = await self.owned(owner_id, image_id)
        if image.trashed_at is not None:
            raise in_trash("This image", "input", "imageId")
        await promote(image, "This image", "input", "imageId")
        return image

    async def vote(
        self, owner_id: PydanticObjectId, winner_id: PydanticObjectId, loser_id: PydanticObjectId
    ) -> tuple[OrnamentImage, OrnamentImage]:
        """Say that a version is better than a sibling of it; both, as they are. Safe to repeat.

        Raises:
            AppError: NOT_FOUND or FORBIDDEN with the path of the one at fault; BAD_USER_INPUT when they are no
                siblings.
        """
        found = list[OrnamentImage]()
        for argument, image_id in (("winnerId", winner_id), ("loserId", loser_id)):
            try:
                found.append(await self.owned(owner_id, image_id))
            except AppError as error:
                raise error.at("input", argument) from error
        winner, loser = found
        await vote(winner, loser, "This image")
        return winner, loser

    async def owned(self, owner_id: PydanticObjectId, image_id: PydanticObjectId) -> OrnamentImage:
        """An image of that owner.

        Raises:
            AppError: NOT_FOUND, or FORBIDDEN when it is another's.
        """
        return require_own(owner_id, await OrnamentImage.get(image_id), *_IMAGE)


def first_recipe(kind: OrnamentKind, asked: Asked, pictures: Sequence[RecipePicture], model: ImageModel) -> Recipe:
    """What a first version of a kind is made from; `pictures` are in the order of the kind's roles."""
    recipe = KINDS[kind]
    return Recipe(
        task=recipe.task,
        prompts=(recipe.instruction(asked), *([asked.wish] if asked.wish else [])),
        pictures=tuple(pictures),
        provider=model.name,
        model=model.model,
        parameters=parameters_of(kind, asked.background, asked.measurements, asked.model_type),
    )


async def renewed(model: ImageModel, recipe: Recipe) -> Recipe:
    """The same wishes, for that model.

    Raises:
        AppError: as `require_sources`.
    """
    await require_sources(OrnamentImage, recipe)
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
