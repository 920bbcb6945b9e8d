"""Exchanges as they are stored, made by hand."""

from collections.abc import Sequence
from typing import Any

from beanie import PydanticObjectId

from app.api.ids import global_id
from app.chats.exchange import Exchange, place_of
from app.chats.image import ChatImage
from app.chats.model import Chat, ChatKind
from app.chats.parts import Analysis, AnswerStatus, Fork, Reference, Slot, SlotStatus
from app.database.document import utc_now
from app.lineage.place import Lineage
from app.pictures.model import Picture
from app.providers.ports.model import Source
from tests.chats.rooms import chat_of, project_of


def exchange_of(chat: Chat, position: int, parent_id: PydanticObjectId | None = None, **given: Any) -> Exchange:
    """One of the chat's first branch, whose image is there; not stored yet."""
    now = utc_now()
    plain: dict[str, Any] = {
        "id": PydanticObjectId(),
        "owner_id": chat.owner_id,
        "project_id": chat.project_id,
        "chat_id": chat.identity,
        "branch_id": chat.identity,
        "position": position,
        "place": place_of(chat.identity, position),
        "fork": None if position else Fork(above=(), used_at=now),
        "question_id": PydanticObjectId(),
        "parent_id": parent_id,
        "author_id": chat.owner_id,
        "idempotency_key": f"{PydanticObjectId()}",
        "asked": "",
        "prompt": f"Prompt {position}",
        "status": AnswerStatus.READY,
        "slots": (Slot(image_id=PydanticObjectId(), status=SlotStatus.READY),),
        "generation_id": PydanticObjectId(),
        "created_at": now,
        "changed_at": now,
    }
    return Exchange(**plain | given)


def exchanges_of(chat: Chat, count: int, picture_ids: Sequence[PydanticObjectId] = ()) -> list[Exchange]:
    """The first so many of a chat's first branch, guided by those pictures; not stored yet."""
    references = tuple(Reference(picture_id=one, sha256=f"{one}") for one in picture_ids)
    found = list[Exchange]()
    for position in range(count):
        parent_id = found[-1].identity if found else None
        found.append(exchange_of(chat, position, parent_id, references=references))
    return found


def image_of(exchange: Exchange, picture_id: PydanticObjectId, generation_id: PydanticObjectId) -> ChatImage:
    """The first image of an answer; not stored yet."""
    identity = exchange.slots[0].image_id
    return ChatImage(
        id=identity,
        owner_id=exchange.owner_id,
        project_id=exchange.project_id,
        chat_id=exchange.chat_id,
        exchange_id=exchange.identity,
        picture_id=picture_id,
        generation_id=generation_id,
        lineage=Lineage.of_root(identity),
        parent_id=None,
        prompt=exchange.prompt,
        original_prompt=exchange.prompt,
        new_prompt=None,
        prompts=(exchange.prompt,),
        combined_prompt=exchange.prompt,
        source=Source.PROVIDER,
        created_at=exchange.created_at,
    )


def _below(parent: ChatImage) -> dict[str, Any]:
    """What a child of it has of its own."""
    place = parent.lineage.child_of(parent.identity)
    return {"id": PydanticObjectId(), "lineage": place, "parent_id": parent.identity, "new_prompt": "Add gold"}


async def stocked_chat(picture: Picture, generation_id: PydanticObjectId) -> dict[str, str]:
    """A chat with an answer, one that failed and one that is being made; what is in it, by type and by argument."""
    project = project_of(picture.owner_id)
    chat = chat_of(project, ChatKind.MAIN)
    reference = Reference(picture_id=picture.identity, sha256=picture.sha256)
    said = Analysis(picture_id=picture.identity, text="A sea.", source=Source.PROVIDER, model="m")
    made = exchange_of(chat, 0, references=(reference,), analyses=(said,), generation_id=generation_id)
    failed = exchange_of(
        chat,
        1,
        made.identity,
        status=AnswerStatus.FAILED,
        slots=(Slot(image_id=PydanticObjectId(), status=SlotStatus.FAILED),),
        generation_id=None,
    )
    waiting = exchange_of(chat, 2, failed.identity, status=AnswerStatus.PROCESSING, generation_id=None)
    image = image_of(made, picture.identity, generation_id)
    child, sibling = (image.model_copy(update=_below(image)) for _ in range(2))
    grandchild = child.model_copy(update=_below(child))
    for document in (project, chat, made, failed, waiting, image, child, sibling, grandchild):
        await document.insert()
    answer, question = global_id("ChatMessage", made.identity), global_id("ChatMessage", made.question_id)
    chat_id = global_id("Chat", chat.identity)
    return {
        "Chat": chat_id,
        "ChatImage": global_id("ChatImage", child.identity),
        "ChatMessage": answer,
        "useAsOrnament.imageId": global_id("ChatImage", child.identity),
        "chatId": chat_id,
        "messageId": answer,
        "editAndResend.messageId": question,
        "retryMessageImages.messageId": global_id("ChatMessage", failed.identity),
    }
