"""The messages of a chat in their order: those of the branch that is shown, a stretch at a time.

A message has a number: that of its exchange doubled, and one more for the assistant's.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from beanie import PydanticObjectId

from app.chats import branches
from app.chats.exchange import Exchange
from app.chats.model import Chat


class MessageRole(StrEnum):
    """Whose words a message holds."""

    USER = "USER"
    ASSISTANT = "ASSISTANT"


class Message(NamedTuple):
    """One side of an exchange."""

    exchange: Exchange
    role: MessageRole

    @property
    def identity(self) -> PydanticObjectId:
        """The message's own id."""
        return self.exchange.question_id if self.role is MessageRole.USER else self.exchange.identity

    @property
    def answer(self) -> Exchange | None:
        """The exchange, of the assistant's message; null of a user's."""
        return self.exchange if self.role is MessageRole.ASSISTANT else None

    @property
    def number(self) -> int:
        """Its place on the way from the chat's beginning, from 0."""
        return 2 * self.exchange.position + (self.role is MessageRole.ASSISTANT)


class Span(NamedTuple):
    """At most `limit` messages between two numbers that are not in it themselves; the last ones if `backward`."""

    limit: int
    backward: bool = False
    after: int | None = None
    before: int | None = None


async def messages(chat: Chat, span: Span, keys: Collection[str] | None = None) -> list[Message]:
    """That stretch of the shown branch, in the order of reading, to be read only; `keys` are as for `along`.

    Two commands at most, and one more for a stretch that is read from its end, however long the chat.
    """
    first = 0 if span.after is None else span.after + 1
    if span.backward:
        count = await number_of_messages(chat)
        end = count if span.before is None else min(span.before, count)
        numbers = range(max(first, end - span.limit), end)
    else:
        end = first + span.limit
        numbers = range(first, end if span.before is None else min(span.before, end))
    if not numbers:
        return []
    route = await branches.route_of(chat.identity, chat.branch_id)
    found = await branches.along(route, range(numbers[0] // 2, numbers[-1] // 2 + 1), keys)
    shown = [message for exchange in found for message in both(exchange) if message.number in numbers]
    return shown[::-1] if span.backward else shown


async def number_of_messages(chat: Chat) -> int:
    """How many the shown branch has."""
    return 2 * await branches.length_of(chat.branch_id)


def both(exchange: Exchange) -> tuple[Message, Message]:
    """The user's message and the assistant's."""
    return Message(exchange, MessageRole.USER), Message(exchange, MessageRole.ASSISTANT)


def role_of(exchange: Exchange, message_id: PydanticObjectId) -> MessageRole:
    """Which side of an exchange has that id."""
    return MessageRole.ASSISTANT if exchange.identity == message_id else MessageRole.USER
