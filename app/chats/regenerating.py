"""An image of a chat, made anew alone: a child with its picture, its prompts and one more wish."""

from dataclasses import dataclass
from typing import Final

from beanie import PydanticObjectId

from app.access import Gate, Owned, Role, owns
from app.chats.image import ChatImage
from app.chats.image_versions import Home
from app.chats.model import Chat
from app.errors import not_found
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.generations.service import Generations, Promised
from app.lineage.again import Again, check_again, origin_of, picture_to_go_on_from
from app.lineage.sources import require_sources
from app.lineage.tombstone import Tombstone
from app.lineage.trash import in_trash
from app.lineage.wishes import check_combined
from app.projects.model import Project
from app.providers.ports.image import ImageModel, ImageTask

IMAGE_KIND: Final = "CHAT_IMAGE"
_PATH = ("input", "imageId")


@dataclass(frozen=True, slots=True)
class ChatImages:
    """Starts generations of further versions; `model` is the one that new work is given to."""

    generations: Generations
    model: ImageModel
    gate: Gate

    async def again(
        self,
        user_id: PydanticObjectId,
        image_id: PydanticObjectId,
        again: Again,
        key: str | None,
        asked: str | None = None,
    ) -> Generation:
        """Make a child of an image, for the owner of its project; `asked` is as for `Generations.start`.

        Raises:
            AppError: as `recipe_of_child`; CONFLICT for a used idempotency key, RATE_LIMITED, QUOTA_EXCEEDED.
        """
        image, recipe = await self._child(user_id, image_id, again)
        key, promised = _key(image, user_id, key), Promised(project_id=image.project_id)
        return await self.generations.start(image.owner_id, IMAGE_KIND, recipe, key, asked=asked, promised=promised)

    async def known(
        self, user_id: PydanticObjectId, image_id: PydanticObjectId, key: str | None, asked: str | None
    ) -> Generation | None:
        """As `Generations.known`, also when the image was deleted for ever; null for who may not see it any more."""
        if key is None:
            return None
        kept = (await ChatImage.by_ids([image_id])).get(image_id) or (await Tombstone.of([image_id])).get(image_id)
        if kept is None:
            return None
        found = await self.generations.known(kept.owner_id, _key(kept, user_id, key), asked)
        return await self.gate.sees(user_id, found)

    async def recipe_of_child(self, user_id: PydanticObjectId, image_id: PydanticObjectId, again: Again) -> Recipe:
        """What a child of an image is made from.

        Raises:
            AppError: BAD_USER_INPUT for a wish that is empty or too long; NOT_FOUND; FORBIDDEN for a stranger and for
                a VIEWER; CONFLICT when the image, its chat or its project is in the trash.
        """
        _, recipe = await self._child(user_id, image_id, again)
        return recipe

    async def _child(
        self, user_id: PydanticObjectId, image_id: PydanticObjectId, again: Again
    ) -> tuple[ChatImage, Recipe]:
        check_again(again)
        found = (await ChatImage.by_ids([image_id])).get(image_id)
        parent = await self.gate.require(user_id, found, Role.EDITOR, "This image", *_PATH)
        await _require_open(Home.of(parent), *_PATH)
        picture = await picture_to_go_on_from(parent)
        prompts = (*parent.prompts, again.wish)
        check_combined(*prompts, taken_by="`sendMessage` takes it")
        return parent, Recipe(
            task=ImageTask.ADJUST,
            prompts=prompts,
            pictures=(picture,),
            provider=self.model.name,
            model=self.model.model,
            parameters=Home.of(parent).parameters | again.numbered,
            parent_id=parent.identity,
            origin=origin_of(parent),
            template=again.template,
        )


async def renewed(model: ImageModel, recipe: Recipe) -> Recipe:
    """The same wishes, for that model.

    Raises:
        AppError: as `require_sources`; CONFLICT when the chat or the project is in the trash, NOT_FOUND when it is
            gone.
    """
    await require_sources(ChatImage, recipe)
    await _require_open(Home.in_recipe(recipe))
    return recipe.model_copy(update={"provider": model.name, "model": model.model})


async def _require_open(home: Home, *path: str) -> None:
    """Do nothing if the chat and the project are there, and not in the trash.

    Raises:
        AppError: NOT_FOUND, CONFLICT; with that path.
    """
    project = (await Project.by_ids([home.project_id])).get(home.project_id)
    chat = (await Chat.by_ids([home.chat_id])).get(home.chat_id)
    for document, what in ((project, "The project of this image"), (chat, "The chat of this image")):
        if document is None:
            raise not_found(what, *path)
        if document.trashed_at is not None:
            raise in_trash(what, *path)


def _key(image: Owned, user_id: PydanticObjectId, key: str | None) -> str | None:
    """As the generation keeps it, which is the image's owner's: no two members are in each other's way."""
    return key if key is None or owns(user_id, image) else f"{user_id}:{key}"
