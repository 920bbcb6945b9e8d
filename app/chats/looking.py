"""What the database says of a chat that is followed: one look does for all who follow it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from beanie import PydanticObjectId

from app.chats.exchange import Exchange
from app.chats.model import Chat
from app.chats.recipes import CHAT_PARAMETER
from app.database.absence import borne
from app.database.clock import DatabaseClock
from app.generations.model import Generation

_AWAY_S = 60

type Seeing = Callable[[frozenset[PydanticObjectId]], Awaitable[frozenset[PydanticObjectId]]]
"""Those of some users who may still see the chat: members are removed."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One follower's of a chat; `chat` is as it was when the following began."""

    chat: Chat
    user_id: PydanticObjectId
    seeing: Seeing
    clock: DatabaseClock

    def is_of_chat(self, generation: Generation) -> bool:
        """Whether it works for the chat."""
        return generation.recipe.parameters.get(CHAT_PARAMETER) == str(self.chat.identity)


class Look(NamedTuple):
    """What was read: the chat, null when it is gone, and what was changed.

    All that was written until `at` is in it. `seeing`: who was found to see it still; null where nobody had to be.
    """

    at: datetime
    chat: Chat | None
    changed: Sequence[Exchange] = ()
    seeing: frozenset[PydanticObjectId] | None = None

    def shows(self, user_id: PydanticObjectId) -> bool:
        """Whether the chat is there, and that user may see it as far as this was asked."""
        return self.chat is not None and (self.seeing is None or user_id in self.seeing)


async def look(sight: Sight, since: datetime, checked: frozenset[PydanticObjectId] | None) -> Look:
    """Look at the chat and what was changed since then, and who of those may see it; null: that need not be known."""
    seen = await look_at_chat(sight, checked)
    if seen.chat is None or (checked and not seen.seeing):
        return seen
    return seen._replace(changed=await when_there(lambda: Exchange.changed_in(sight.chat.identity, since)))


async def look_at_chat(sight: Sight, checked: frozenset[PydanticObjectId] | None) -> Look:
    """The same without what was changed."""
    at, identity = sight.clock.now(), sight.chat.identity
    chat = (await when_there(lambda: Chat.by_ids([identity]))).get(identity)
    if chat is None or checked is None:
        return Look(at, chat)
    return Look(at, chat, seeing=await when_there(lambda: sight.seeing(checked)))


async def found(generation_id: PydanticObjectId) -> Generation | None:
    """That generation, without its events."""
    return (await when_there(lambda: Generation.without_events([generation_id]))).get(generation_id)


async def when_there[T](read: Callable[[], Awaitable[T]]) -> T:
    """What was read; a database that is away is waited for, as long as a stream may."""
    return await borne(read, _AWAY_S)
