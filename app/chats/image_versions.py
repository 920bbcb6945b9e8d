"""From a succeeded generation to the version of a chat's image that it made."""

from typing import NamedTuple, Self

from beanie import PydanticObjectId

from app.chats.image import ChatImage
from app.chats.model import Chat
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.lineage.again import version_made_by
from app.lineage.deletion import delete_forever
from app.lineage.tombstone import Tombstone
from app.lineage.writing import write


class Home(NamedTuple):
    """Where an image belongs; its recipe says so, for its parent may be gone when it is written."""

    project_id: PydanticObjectId
    chat_id: PydanticObjectId
    exchange_id: PydanticObjectId

    @classmethod
    def of(cls, image: ChatImage) -> Self:
        """That of an image, and of all its children."""
        return cls(image.project_id, image.chat_id, image.exchange_id)

    @classmethod
    def in_recipe(cls, recipe: Recipe) -> Self:
        """What `parameters` has left there."""
        given = recipe.parameters
        return cls(*(PydanticObjectId(given[name]) for name in ("projectId", "chatId", "exchangeId")))

    @property
    def parameters(self) -> dict[str, str]:
        """Those of a recipe."""
        names = ("projectId", "chatId", "exchangeId")
        return {name: str(identity) for name, identity in zip(names, self, strict=True)}

    async def is_left(self) -> bool:
        """Whether neither the chat nor the project was deleted for ever, or is being."""
        gone = await Tombstone.of([self.chat_id, self.project_id])
        return not gone and bool(await Chat.by_ids([self.chat_id]))


async def write_version(generation: Generation) -> ChatImage | None:
    """Write the version under its pre-allocated id, from nothing but what is kept; safe to repeat and to race.

    Null when it was deleted for ever meanwhile, alone or with its chat.
    """
    image = _version(generation)
    if not await write(image):
        return None
    if await Home.of(image).is_left():
        return image
    await delete_forever([image])  # whoever deleted the chat may have come before this was written
    return None


def _version(generation: Generation) -> ChatImage:
    home = Home.in_recipe(generation.recipe)
    return ChatImage(
        **version_made_by(generation, generation.recipe.origin),
        **home._asdict(),
        note=generation.steps["picture"]["note"],
    )
