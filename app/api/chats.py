"""Chats as clients see them."""

from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.api.context import Info, viewer
from app.api.ids import global_id
from app.api.messages import ChatMessages
from app.api.node import Node
from app.chats import model as stored

TYPE_NAME = "Chat"


@strawberry.type(description="A chat of a project, in which prompts become images.")
class Chat(ChatMessages, Node):
    """Shown from its document."""

    @classmethod
    def of(cls, chat: stored.Chat) -> Self:
        """The chat of a document."""
        return cls(id=strawberry.ID(global_id(TYPE_NAME, chat.identity)), document=chat)


async def find(info: Info, identity: PydanticObjectId) -> Chat | None:
    """A chat that the viewer may see."""
    who = viewer(info)
    chat = (await stored.Chat.by_ids([identity])).get(identity)
    seen = await info.context.services.gate.sees(who.user_id, chat)
    return Chat.of(seen) if seen else None
