"""Chats, what was said in them and what was made in them, as they are stored, made by hand."""

from typing import Any

from beanie import PydanticObjectId

from app.chats.exchange import AnswerStatus, Exchange, Making, Reference, Slot, SlotStatus
from app.chats.image import ChatImage
from app.chats.model import Chat, ChatKind
from app.database.document import utc_now
from app.generations.recipe import Recipe
from app.lineage.place import Lineage
from app.projects.model import Project
from app.providers.ports.model import Source

RECIPE = Recipe(task="CREATE", prompts=("A whale",), pictures=(), provider="mock", model="mock-1")


def chat_of(project: Project, kind: ChatKind = ChatKind.FRAME, **given: Any) -> Chat:
    """One in which nothing was said; not stored yet."""
    identity = project.identity if kind is ChatKind.MAIN else PydanticObjectId()
    now = utc_now()
    plain: dict[str, Any] = {
        "id": identity,
        "owner_id": project.owner_id,
        "project_id": project.identity,
        "kind": kind,
        "title": "A door",
        "branch_id": identity,
        "idempotency_key": f"{identity}",
        "asked": "",
        "created_at": now,
        "changed_at": now,
    }
    return Chat(**plain | given)


def exchange_of(chat: Chat, position: int = 0, **given: Any) -> Exchange:
    """A prompt whose one image is there, on the chat's first branch; not stored yet."""
    identity, now = PydanticObjectId(), utc_now()
    plain: dict[str, Any] = {
        "id": identity,
        "owner_id": chat.owner_id,
        "project_id": chat.project_id,
        "chat_id": chat.identity,
        "branch_id": chat.identity,
        "position": position,
        "place": f"{chat.identity}:{position}",
        "question_id": PydanticObjectId(),
        "parent_id": None,
        "author_id": chat.owner_id,
        "idempotency_key": f"{identity}",
        "asked": "",
        "prompt": "A whale",
        "status": AnswerStatus.READY,
        "slots": (Slot(image_id=PydanticObjectId(), status=SlotStatus.READY),),
        "created_at": now,
        "changed_at": now,
    }
    return Exchange(**plain | given)


def being_made(generation_id: PydanticObjectId) -> dict[str, Any]:
    """What an exchange says whose image is being made."""
    return {
        "status": AnswerStatus.PROCESSING,
        "slots": (Slot(image_id=PydanticObjectId()),),
        "generation_id": generation_id,
        "making": Making(generation_id=generation_id, recipe=RECIPE, started=True),
    }


def referring_to(picture_id: PydanticObjectId) -> Reference:
    """A reference that was given as a picture."""
    return Reference(picture_id=picture_id, sha256="0" * 64)


def image_of(exchange: Exchange, parent: ChatImage | None = None, **given: Any) -> ChatImage:
    """The first image of an exchange, or one that was made of that; not stored yet."""
    identity = PydanticObjectId() if parent else exchange.slots[0].image_id
    lineage = parent.lineage.child_of(parent.identity) if parent else Lineage.of_root(identity)
    plain: dict[str, Any] = {
        "id": identity,
        "owner_id": exchange.owner_id,
        "project_id": exchange.project_id,
        "chat_id": exchange.chat_id,
        "exchange_id": exchange.identity,
        "picture_id": PydanticObjectId(),
        "generation_id": PydanticObjectId(),
        "lineage": lineage,
        "parent_id": lineage.parent_id,
        "prompt": exchange.prompt,
        "original_prompt": exchange.prompt,
        "new_prompt": "Make it shine" if parent else None,
        "prompts": (exchange.prompt,),
        "combined_prompt": exchange.prompt,
        "source": Source.MOCK,
        "created_at": utc_now(),
    }
    return ChatImage(**plain | given)
