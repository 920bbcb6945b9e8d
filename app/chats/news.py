"""What is told to who follows a chat."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from beanie import PydanticObjectId

from app.chats.exchange import Exchange
from app.chats.model import Chat
from app.generations.events import GenerationEvent
from app.generations.following import snapshot
from app.generations.model import Generation


class ChatNewsType(StrEnum):
    """What is told."""

    SNAPSHOT = "SNAPSHOT"
    """How something stood when the following began: an exchange, or the work on one or on an image, that is under way
    or was changed since then; the last one is of the chat itself."""
    MESSAGE = "MESSAGE"
    """An exchange is new, or was changed."""
    CHAT = "CHAT"
    """The chat was changed: another branch is shown, another title."""
    WORK = "WORK"
    """An event of the work on an exchange, or on one of the chat's images."""


class Happening(NamedTuple):
    """An event, and the generation it happened in, whole where it was read."""

    about: Generation | PydanticObjectId
    event: GenerationEvent


class ChatNews(NamedTuple):
    """One piece of news.

    `exchange` is null where none is concerned; `work` is of WORK, and of a SNAPSHOT of what is or was worked on. Who
    was told all up to one misses nothing by following anew from its `at`.
    """

    type: ChatNewsType
    at: datetime
    chat: Chat
    exchange: Exchange | None = None
    work: Happening | None = None


def snapshots(
    at: datetime, chat: Chat, exchanges: dict[PydanticObjectId, Exchange], works: list[Generation]
) -> list[ChatNews]:
    """One of each generation, with its exchange, and of each exchange of no such one, by their latest changes.

    The last one is of the chat, of the moment `at` which they are all of.
    """
    told = [
        ChatNews(
            ChatNewsType.SNAPSHOT,
            one.changed_at,
            chat,
            exchanges.get(one.recipe.parent_id) if one.recipe.parent_id else None,
            Happening(one, snapshot(one)),
        )
        for one in works
    ]
    worked_on = {one.recipe.parent_id for one in works}
    told += [
        ChatNews(ChatNewsType.SNAPSHOT, one.changed_at, chat, one)
        for one in exchanges.values()
        if one.identity not in worked_on
    ]
    return [*sorted(told, key=lambda one: one.at), ChatNews(ChatNewsType.SNAPSHOT, at, chat)]
