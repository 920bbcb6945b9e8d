"""Images of chats as clients see them."""

from datetime import datetime
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.api.context import Info, viewer
from app.api.enums import Source
from app.api.ids import global_id
from app.api.node import Node
from app.api.pictures import Picture
from app.chats import image as stored

TYPE_NAME = "ChatImage"


@strawberry.type(description="An image that was made in a chat.")
class ChatImage(Node):
    """Shown from its document."""

    prompt: str | None = strawberry.field(description="What was said for it.")
    source: Source = strawberry.field(description="Who really made it.")
    note: str | None = strawberry.field(description="What it is not, in words for people; null for a model's work.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    document: strawberry.Private[stored.ChatImage]

    @classmethod
    def of(cls, image: stored.ChatImage) -> Self:
        """The image of a document."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, image.identity)),
            prompt=image.prompt,
            source=image.source,
            note=image.note,
            created_at=image.created_at,
            document=image,
        )

    @strawberry.field
    async def picture(self, info: Info) -> Picture | None:
        """The picture; null when it is gone."""
        picture = await info.context.loaders.pictures.load(self.document.picture_id)
        return Picture.of(picture) if picture else None


async def find(info: Info, identity: PydanticObjectId) -> ChatImage | None:
    """An image of a project that the viewer may see."""
    who = viewer(info)
    image = await info.context.loaders.chat_images.load(identity)
    seen = await info.context.services.gate.sees(who.user_id, image)
    return ChatImage.of(seen) if seen else None
