"""Images of chats as clients see them, walked as a tree."""

from datetime import datetime
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.api import walking
from app.api.connections import Connection
from app.api.context import Info, viewer
from app.api.enums import Source
from app.api.generations import Generation
from app.api.ids import CHAT_IMAGE, global_id
from app.api.node import Node
from app.api.pictures import Picture
from app.api.walking import NOTHING, PARENT_ID, ROOT_ID, Kin, Near, Pages, TreeConnection
from app.chats import image as stored
from app.chats.image_versions import write_version
from app.generations import model as stored_generations

TYPE_NAME = CHAT_IMAGE


@strawberry.type(description="One version of an image that was made in a chat; all who see its project see it.")
class ChatImage(Node):
    """Shown from its document; parents and children are read when asked for."""

    source: Source = strawberry.field(description="Who really made it.")
    note: str | None = strawberry.field(description="What this result is not; null when a model made it.")
    prompt: str | None = strawberry.field(description="What was asked for with this version; null if nothing was.")
    original_prompt: str = strawberry.field(description="The whole instruction of the root.")
    new_prompt: str | None = strawberry.field(description="The wish of this regeneration alone; null for a root.")
    combined_prompt: str = strawberry.field(description="The whole instruction of this version.")
    chat_id: strawberry.ID = strawberry.field(description="The `id` of the `Chat` that its root was made in.")
    message_id: strawberry.ID = strawberry.field(
        description="The `id` of the assistant's `ChatMessage` that its root was made for."
    )
    depth: int = strawberry.field(description="0 for a root, 1 for its children.")
    parent_id: strawberry.ID | None = strawberry.field(description=PARENT_ID)
    root_id: strawberry.ID = strawberry.field(description=ROOT_ID)
    trashed_at: datetime | None = strawberry.field(
        description="When it went to the trash, where it can't be regenerated; null when it is not in it."
    )
    created_at: datetime = strawberry.field(
        description="When it was asked for: lists are in this order, whenever it was done."
    )
    document: strawberry.Private[stored.ChatImage]
    near: strawberry.Private[Near[stored.ChatImage]] = NOTHING

    @classmethod
    def of(cls, image: stored.ChatImage, near: Near[stored.ChatImage] = NOTHING) -> Self:
        """The image of a document; `near` are others of its tree that were just read."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, image.identity)),
            source=image.source,
            note=image.note,
            prompt=image.prompt,
            original_prompt=image.original_prompt,
            new_prompt=image.new_prompt,
            combined_prompt=image.combined_prompt,
            chat_id=strawberry.ID(global_id("Chat", image.chat_id)),
            message_id=strawberry.ID(global_id("ChatMessage", image.exchange_id)),
            depth=image.lineage.depth,
            parent_id=strawberry.ID(global_id(TYPE_NAME, image.parent_id)) if image.parent_id else None,
            root_id=strawberry.ID(global_id(TYPE_NAME, image.lineage.root_id)),
            trashed_at=image.trashed_at,
            created_at=image.created_at,
            document=image,
            near=near,
        )

    picture: Picture | None = strawberry.field(resolver=walking.picture)
    parent: "ChatImage | None" = strawberry.field(resolver=walking.parent)
    root: "ChatImage | None" = strawberry.field(resolver=walking.root)
    ancestors: "list[ChatImage]" = strawberry.field(resolver=walking.ancestors)
    children: "ChatImageConnection" = strawberry.field(resolver=walking.children)
    siblings: "ChatImageConnection" = strawberry.field(resolver=walking.siblings)
    descendants: "ChatTreeConnection" = strawberry.field(resolver=walking.descendants)
    tree: "ChatTreeConnection" = strawberry.field(resolver=walking.tree)
    child_count: int = strawberry.field(resolver=walking.child_count)
    descendant_count: int = strawberry.field(resolver=walking.descendant_count)

    @strawberry.field
    async def generation(self, info: Info) -> Generation | None:
        """The work that made it: with its root, the other images of the same message."""
        made_by = self.document.generation_id
        generation = await info.context.loaders.generations.load(made_by) if made_by else None
        return Generation.of(generation) if generation else None

    @staticmethod
    def kin(info: Info) -> Kin[stored.ChatImage]:
        """Where its relatives are read."""
        loaders = info.context.loaders
        return Kin(loaders.chat_images, loaders.chat_image_trees)

    @staticmethod
    def pages() -> Pages:
        """The connections of its type."""
        return Pages(TYPE_NAME, ChatImageConnection, ChatTreeConnection)


@strawberry.type(description="A page of images of chats.")
class ChatImageConnection(Connection[ChatImage]):
    """In the order that the field says."""


@strawberry.type(description="A page of a tree of images of chats.")
class ChatTreeConnection(TreeConnection[ChatImage]):
    """Oldest first; with the gaps that were left above the images of the page."""


async def find(info: Info, identity: PydanticObjectId) -> ChatImage | None:
    """An image of a project that the viewer sees."""
    who = viewer(info)
    image = await info.context.loaders.chat_images.load(identity)
    seen = await info.context.services.gate.sees(who.user_id, image)
    return ChatImage.of(seen) if seen else None


async def result(info: Info, generation: stored_generations.Generation) -> ChatImage | None:
    """The image that a succeeded generation made; its last write is done here if a crash left it undone."""
    image = await info.context.loaders.chat_images.load(generation.result_id)
    if image is None and not generation.settled:
        image = await write_version(generation)
    return ChatImage.of(image) if image else None
