"""A chat followed live: its messages, and the work on them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Annotated, Self

import strawberry

from app.access import Place
from app.api.context import Info, viewer
from app.api.enums import ChatNewsType
from app.api.events import GenerationEvent, Since, check_since
from app.api.ids import document_id
from app.api.messages import ChatMessage
from app.api.projects import CHAT_TYPE_NAME, Chat
from app.api.told import Telling, told
from app.chats import following
from app.chats import model as stored
from app.chats.desk import Desk, foretelling
from app.chats.listing import Message, MessageRole
from app.chats.looking import Sight
from app.chats.news import ChatNews
from app.errors import not_found
from app.generations.desks import RelayTo

_ChatId = Annotated[strawberry.ID, strawberry.argument(description="The id of a `Chat` that you may see.")]


@strawberry.type(description="One thing that happened in a chat.")
class ChatEvent:
    """Messages come whole in each: a later one takes the place of an earlier one."""

    type: ChatNewsType = strawberry.field(description="What is told.")
    at: datetime = strawberry.field(
        description="When it happened: pass the latest one as `since` after a cut connection."
    )
    chat: Chat = strawberry.field(description="The chat, as it is now.")
    user_message: ChatMessage | None = strawberry.field(
        description="What somebody wrote, as it is now; null where no message is concerned."
    )
    assistant_message: ChatMessage | None = strawberry.field(
        description="The answer to it, as it is now; null where no message is concerned."
    )
    event: GenerationEvent | None = strawberry.field(
        description="Of WORK: a stage, a preview, text, an end. Its `generationId` and `sequence` identify it. Of a "
        "SNAPSHOT: how far the work has come. Null for others."
    )

    @classmethod
    def of(cls, news: ChatNews) -> Self:
        """The message."""
        exchange, work = news.exchange, news.work
        return cls(
            type=news.type,
            at=news.at,
            chat=Chat.of(news.chat),
            user_message=ChatMessage.of(Message(exchange, MessageRole.USER)) if exchange else None,
            assistant_message=ChatMessage.of(Message(exchange, MessageRole.ASSISTANT)) if exchange else None,
            event=GenerationEvent.of(work.event, work.about) if work else None,
        )


@strawberry.type
class ChatSubscription:
    """Fields of the subscription root."""

    @strawberry.subscription
    async def chat_events(self, info: Info, chat_id: _ChatId, since: Since = None) -> AsyncGenerator[ChatEvent]:
        """Everything that happens in a chat, for all who have its project open, until you stop.

        First a SNAPSHOT of each answer, and of each image made anew, that is under way or changed since `since`; the
        last SNAPSHOT is of the chat alone: from there on it is live. Then new messages, text while the pictures that
        guide them are described, previews and ends, whoever sent them; an end comes with the finished message. After a
        cut connection subscribe again with the latest `at`: what changed in between comes as a SNAPSHOT. Drop an
        `event` whose `sequence` is not above the last one you saw of the same generation. It ends when the chat is
        deleted for ever, or you may not see it any more.
        """
        who, identity = viewer(info), document_id(chat_id, CHAT_TYPE_NAME, "chatId")
        services = info.context.services
        generations = services.generations
        check_since(since, generations.clock.now())
        chat = await services.gate.sees(who.user_id, await stored.Chat.get(identity))
        if chat is None:
            raise not_found("This chat", "chatId")
        sight = Sight(chat, who.user_id, partial(services.gate.seeing, thing=Place.of(chat)), generations.clock)

        def follow(relay: RelayTo[Desk] | None) -> AsyncGenerator[ChatNews]:
            return following.events(generations.hub, sight, since, relay)

        telling = Telling(follow, foretelling, ChatEvent.of, "since", of_viewer=False)
        async with aclosing(told(info, telling)) as events:
            async for event in events:
                yield event
