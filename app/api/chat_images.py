"""Images of chats as clients see them, walked as a tree."""

from datetime import datetime
from operator import attrgetter
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.api import walking
from app.api.at_hand import NOTHING_AT_HAND, AtHand, Keys
from app.api.connections import Connection
from app.api.context import Info, viewer
from app.api.derived import derived, deriving, often_ready
from app.api.enums import Source
from app.api.generations import Generation
from app.api.ids import CHAT_IMAGE, global_id
from app.api.node import ID_WORDS, Node
from app.api.pictures import Picture
from app.api.selections import Selected
from app.api.walking import PARENT_ID, ROOT_ID, Kin, Pages, TreeConnection
from app.chats import image as stored
from app.chats.image_versions import write_version
from app.generations import model as stored_generations

TYPE_NAME = CHAT_IMAGE

KEYS = Keys.of(
    stored.ChatImage,
    messageId="exchangeId",
    picture="pictureId",
    generation="generationId",
    parent="parentId",
    siblings="parentId",
    depth="lineage",
    rootId="lineage.rootId",
    root="lineage",
    ancestors="lineage",
    descendants="lineage",
    tree="lineage",
    childCount="lineage.rootId",
    descendantCount="lineage.rootId",
)


@deriving
@strawberry.type(description="One version of an image that was made in a chat; all who see its project see it.")
class ChatImage(Node):
    """Shown from its document; parents and children are read when asked for."""

    id: strawberry.ID = derived(ID_WORDS, lambda shown: global_id(TYPE_NAME, shown.document.identity))
    source: Source = derived("Who really made it.")
    note: str | None = derived("What this result is not; null when a model made it.")
    prompt: str | None = derived("What was asked for with this version; null if nothing was.")
    original_prompt: str = derived("The whole instruction of the root.")
    new_prompt: str | None = derived("The wish of this regeneration alone; null for a root.")
    combined_prompt: str = derived("The whole instruction of this version.")
    chat_id: strawberry.ID = derived(
        "The `id` of the `Chat` that its root was made in.", lambda shown: global_id("Chat", shown.document.chat_id)
    )
    message_id: strawberry.ID = derived(
        "The `id` of the assistant's `ChatMessage` that its root was made for.",
        lambda shown: global_id("ChatMessage", shown.document.exchange_id),
    )
    depth: int = derived("0 for a root, 1 for its children.", attrgetter("document.lineage.depth"))
    parent_id: strawberry.ID | None = derived(PARENT_ID, walking.parent_id)
    root_id: strawberry.ID = derived(ROOT_ID, walking.root_id)
    trashed_at: datetime | None = derived(
        "When it went to the trash, where it can't be regenerated; null when it is not in it."
    )
    created_at: datetime = derived("When it was asked for: lists are in this order, whenever it was done.")
    document: strawberry.Private[stored.ChatImage]
    at_hand: strawberry.Private[AtHand[stored.ChatImage]] = NOTHING_AT_HAND

    @classmethod
    def of(cls, image: stored.ChatImage, at_hand: AtHand[stored.ChatImage] = NOTHING_AT_HAND) -> Self:
        """The image of a document; `at_hand` is what was read with it."""
        return cls(document=image, at_hand=at_hand)

    picture: Picture | None = often_ready(walking.picture, walking.ready_picture)
    parent: "ChatImage | None" = often_ready(walking.parent, walking.ready_parent)
    root: "ChatImage | None" = strawberry.field(resolver=walking.root)
    ancestors: "list[ChatImage]" = strawberry.field(resolver=walking.ancestors)
    children: "ChatImageConnection" = strawberry.field(resolver=walking.children)
    siblings: "ChatImageConnection" = strawberry.field(resolver=walking.siblings)
    descendants: "ChatTreeConnection" = strawberry.field(resolver=walking.descendants)
    tree: "ChatTreeConnection" = strawberry.field(resolver=walking.tree)
    child_count: int = often_ready(walking.child_count, walking.ready_child_count)
    descendant_count: int = strawberry.field(resolver=walking.descendant_count)

    generation: Generation | None = often_ready(
        walking.generation,
        walking.ready_generation,
        "The work that made it: with its root, the other images of the same message.",
    )

    @staticmethod
    def kin(info: Info) -> Kin[stored.ChatImage]:
        """Where its relatives are read."""
        loaders = info.context.loaders
        return Kin(stored.ChatImage, KEYS, loaders.chat_images, loaders.chat_image_trees)

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


def keys_of(asked: Selected) -> set[str]:
    """What has to be read of images of which that is asked, and of those that are reached from them."""
    return KEYS.asked(asked.names)
