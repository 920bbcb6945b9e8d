"""What messages of chats are made of, as clients see it: images, what guides them, what was said of that."""

from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.api.chat_images import ChatImage
from app.api.context import Info
from app.api.enums import SlotStatus, Source
from app.api.generations import GenerationFailure
from app.api.ids import global_id
from app.api.pictures import TYPE_NAME as PICTURE
from app.api.pictures import Picture
from app.chats import parts


@strawberry.type(description="One image of an answer, from before it is there.")
class MessageImage:
    """Shown from the document."""

    index: int = strawberry.field(description="Its number in the answer, from 0.")
    status: SlotStatus = strawberry.field(description="How far it has come.")
    failure: GenerationFailure | None = strawberry.field(
        description="Why it is not there; null while it is made, and when the work was called off."
    )
    image_id: strawberry.Private[PydanticObjectId]

    @classmethod
    def of(cls, index: int, slot: parts.Slot) -> Self:
        """One of a document's."""
        failure = GenerationFailure.of(slot.failure) if slot.failure else None
        return cls(index=index, status=slot.status, failure=failure, image_id=slot.image_id)

    @strawberry.field
    async def image(self, info: Info) -> ChatImage | None:
        """The image; null unless its `status` is READY, and once it was deleted for ever."""
        if self.status is not SlotStatus.READY:
            return None
        image = await info.context.loaders.chat_images.load(self.image_id)
        return ChatImage.of(image) if image else None


@strawberry.type(description="A picture that guides the images of an answer.")
class ContextImage:
    """Shown from the document."""

    image_id: strawberry.ID = strawberry.field(
        description="The id that it was given by: of a `ChatImage`, an `OrnamentImage` or a `Picture`."
    )
    picture_id: strawberry.Private[PydanticObjectId]

    @classmethod
    def of(cls, reference: parts.Reference) -> Self:
        """One of a document's."""
        type_name, identity = reference.image_type or PICTURE, reference.image_id or reference.picture_id
        return cls(image_id=strawberry.ID(global_id(type_name, identity)), picture_id=reference.picture_id)

    @strawberry.field
    async def picture(self, info: Info) -> Picture | None:
        """What it shows; null when it is gone."""
        return await _picture(info, self.picture_id)


@strawberry.type(description="What a model that looks at pictures said of one that guides the images.")
class PictureAnalysis:
    """Shown from the document."""

    text: str = strawberry.field(description="What it shows, in one paragraph.")
    source: Source = strawberry.field(description="Who really said it.")
    model: str = strawberry.field(description="The model, as its provider calls it.")
    remembered: bool = strawberry.field(
        description="Whether the model had described the same picture before, and was not asked again."
    )
    picture_id: strawberry.Private[PydanticObjectId]

    @classmethod
    def of(cls, analysis: parts.Analysis) -> Self:
        """One of a document's."""
        return cls(
            text=analysis.text,
            source=analysis.source,
            model=analysis.model,
            remembered=analysis.remembered,
            picture_id=analysis.picture_id,
        )

    @strawberry.field
    async def picture(self, info: Info) -> Picture | None:
        """The picture; null when it is gone."""
        return await _picture(info, self.picture_id)


async def _picture(info: Info, picture_id: PydanticObjectId) -> Picture | None:
    picture = await info.context.loaders.pictures.load(picture_id)
    return Picture.of(picture) if picture else None
