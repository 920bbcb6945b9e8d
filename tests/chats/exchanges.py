"""Exchanges as they are stored, made by hand."""

from collections.abc import Sequence
from typing import Any

from beanie import PydanticObjectId

from app.chats.exchange import Exchange, place_of
from app.chats.model import Chat
from app.chats.parts import AnswerStatus, Fork, Reference, Slot, SlotStatus
from app.database.document import utc_now


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
