"""What messages of chats are made of, as clients see it: images, what guides them, what was said of that."""

from typing import Any, Self

import strawberry
from beanie import PydanticObjectId

from app.api.at_hand import NOTHING_AT_HAND, AtHand
from app.api.chat_images import ChatImage
from app.api.context import Context, Info
from app.api.derived import often_ready
from app.api.enums import SlotStatus, Source
from app.api.generations import GenerationFailure, failure_of
from app.api.ids import global_id
from app.api.pictures import TYPE_NAME as PICTURE
from app.api.pictures import Picture, picture_at_hand, picture_of
from app.chats import parts
from app.chats.image import ChatImage as StoredImage


def _guide(shown: strawberry.Parent["ContextImage"], info: Info) -> Any:
    """What it shows; null when it is gone."""
    return picture_of(info, shown.picture_id, shown.at_hand.pictures)


def _described(shown: strawberry.Parent["PictureAnalysis"], info: Info) -> Any:
    """The picture; null when it is gone."""
    return picture_of(info, shown.picture_id, shown.at_hand.pictures)


def _ready_picture(shown: "ContextImage | PictureAnalysis", _: Context) -> Any:
    """The same, where it is at hand."""
    return picture_at_hand(shown.picture_id, shown.at_hand.pictures)


def _image(shown: strawberry.Parent["MessageImage"], info: Info) -> Any:
    """The image; null unless its `status` is READY, and once it was deleted for ever."""
    if shown.status is not SlotStatus.READY:
        return None
    is_ready = shown.image_id in shown.at_hand.versions
    return _ready_image(shown, info.context) if is_ready else _read_image(info, shown.image_id)


def _ready_image(shown: "MessageImage", _: Context) -> Any:
    """The same, where it is at hand."""
    if shown.status is not SlotStatus.READY:
        return None
    image = shown.at_hand.versions[shown.image_id]
    return ChatImage.of(image, shown.at_hand) if image else None


async def _read_image(info: Info, image_id: PydanticObjectId) -> ChatImage | None:
    image = await info.context.loaders.chat_images.load(image_id)
    return ChatImage.of(image) if image else None


@strawberry.type(description="One image of an answer, from before it is there.")
class MessageImage:
    """Shown from the document."""

    index: int = strawberry.field(description="Its number in the answer, from 0.")
    status: SlotStatus = strawberry.field(description="How far it has come.")
    failure: GenerationFailure | None = strawberry.field(
        description="Why it is not there; null while it is made, and when the work was called off."
    )
    image: ChatImage | None = often_ready(_image, _ready_image)
    image_id: strawberry.Private[PydanticObjectId]
    at_hand: strawberry.Private[AtHand[StoredImage]]

    @classmethod
    def of(cls, index: int, slot: parts.Slot, at_hand: AtHand[StoredImage] = NOTHING_AT_HAND) -> Self:
        """One of a document's; `at_hand` is what was read with it."""
        return cls(
            index=index, status=slot.status, failure=failure_of(slot.failure), image_id=slot.image_id, at_hand=at_hand
        )


@strawberry.type(description="A picture that guides the images of an answer.")
class ContextImage:
    """Shown from the document."""

    image_id: strawberry.ID = strawberry.field(
        description="The id that it was given by: of a `ChatImage`, an `OrnamentImage` or a `Picture`."
    )
    picture: Picture | None = often_ready(_guide, _ready_picture)
    picture_id: strawberry.Private[PydanticObjectId]
    at_hand: strawberry.Private[AtHand[StoredImage]]

    @classmethod
    def of(cls, reference: parts.Reference, at_hand: AtHand[StoredImage] = NOTHING_AT_HAND) -> Self:
        """One of a document's; `at_hand` is what was read with it."""
        type_name, identity = reference.image_type or PICTURE, reference.image_id or reference.picture_id
        image_id = strawberry.ID(global_id(type_name, identity))
        return cls(image_id=image_id, picture_id=reference.picture_id, at_hand=at_hand)


@strawberry.type(description="What a model that looks at pictures said of one that guides the images.")
class PictureAnalysis:
    """Shown from the document."""

    text: str = strawberry.field(description="What it shows, in one paragraph.")
    source: Source = strawberry.field(description="Who really said it.")
    model: str = strawberry.field(description="The model, as its provider calls it.")
    remembered: bool = strawberry.field(
        description="Whether the model had described the same picture before, and was not asked again."
    )
    picture: Picture | None = often_ready(_described, _ready_picture)
    picture_id: strawberry.Private[PydanticObjectId]
    at_hand: strawberry.Private[AtHand[StoredImage]]

    @classmethod
    def of(cls, analysis: parts.Analysis, at_hand: AtHand[StoredImage] = NOTHING_AT_HAND) -> Self:
        """One of a document's; `at_hand` is what was read with it."""
        return cls(
            text=analysis.text,
            source=analysis.source,
            model=analysis.model,
            remembered=analysis.remembered,
            picture_id=analysis.picture_id,
            at_hand=at_hand,
        )
