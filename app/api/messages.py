"""Messages of chats as clients see them: what was asked for, and what was made of it."""

from datetime import datetime
from functools import partial
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.api.connections import After, Before, CountedConnection, First, Last, Listing
from app.api.context import Info, viewer
from app.api.enums import AnswerStatus, MessageRole
from app.api.generations import Generation, GenerationFailure
from app.api.ids import USER, global_id
from app.api.message_parts import ContextImage, MessageImage, PictureAnalysis
from app.api.node import Node
from app.api.positions import Numbers
from app.chats import ends, listing
from app.chats import model as stored
from app.chats.branches import Beside
from app.chats.listing import Message, role_of
from app.chats.wording import answer_text
from app.generations import model as stored_generations

TYPE_NAME = "ChatMessage"


@strawberry.type(description="A message of a chat: a user's, or the assistant's answer to it.")
class ChatMessage(Node):
    """Shown from the exchange that it is a side of."""

    role: MessageRole = strawberry.field(description="Whose it is.")
    text: str = strawberry.field(
        description="What to show. Of a user what was written; of the assistant what the references show, and how many "
        "images there are once they are: empty until then, and without references."
    )
    prompt: str | None = strawberry.field(
        description="Of a user what was written, the same as `text`; of the assistant all that the image model is "
        "asked for: the user's words and the wish, then what the references show, then the project's context. Null "
        "until that is known."
    )
    wish: str | None = strawberry.field(
        description="What was added for this answer with `regenerateMessage`; null without one, and of a user."
    )
    image_count: int = strawberry.field(description="How many images are asked for.")
    with_context: bool = strawberry.field(description="Whether the project's context text joins the prompt.")
    allow_partial: bool = strawberry.field(
        description="Whether the images that could be made are shown when others could not be."
    )
    context_images: list[ContextImage] = strawberry.field(description="What guides the images, in order.")
    images: list[MessageImage] = strawberry.field(
        description="Of the assistant one for each image that is asked for, from the beginning on; of a user none."
    )
    analysis: list[PictureAnalysis] = strawberry.field(
        description="Of the assistant what was said of each picture that guides the images, as soon as all are "
        "described; the same picture is described once. While they are, `text` events of the generation tell it."
    )
    status: AnswerStatus = strawberry.field(description="How far it has come; a user's is always READY.")
    failure: GenerationFailure | None = strawberry.field(
        description="Why images are missing: the latest work on the answer failed, or could not be started; else null."
    )
    author_id: strawberry.ID | None = strawberry.field(
        description="The id of the `User` who sent the message, or that which is answered; null once they are gone."
    )
    created_at: datetime = strawberry.field(description="When it was sent, or asked for.")
    message: strawberry.Private[Message]

    @classmethod
    def of(cls, message: Message) -> Self:
        """A side of an exchange."""
        exchange, role = message
        is_answer = role is MessageRole.ASSISTANT
        failure = GenerationFailure.of(exchange.failure) if is_answer and exchange.failure else None
        images = [MessageImage.of(index, slot) for index, slot in enumerate(exchange.slots)] if is_answer else []
        statuses = [slot.status for slot in exchange.slots]
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, message.identity)),
            role=role,
            text=answer_text(exchange.analyses, exchange.status, statuses) if is_answer else exchange.prompt,
            prompt=exchange.full_prompt if is_answer else exchange.prompt,
            wish=exchange.wish if is_answer else None,
            image_count=len(exchange.slots),
            with_context=exchange.with_context,
            allow_partial=exchange.allow_partial,
            context_images=[ContextImage.of(one) for one in exchange.references],
            images=images,
            analysis=[PictureAnalysis.of(one) for one in exchange.analyses] if is_answer else [],
            status=exchange.status if is_answer else AnswerStatus.READY,
            failure=failure,
            author_id=strawberry.ID(global_id(USER, exchange.author_id)) if exchange.author_id else None,
            created_at=exchange.created_at if is_answer else exchange.sent_at,
            message=message,
        )

    @strawberry.field
    async def generation(self, info: Info) -> Generation | None:
        """The latest work on an answer: follow it, or cancel it; null of a user, and when none could be started."""
        generation_id = self.message.exchange.generation_id
        if self.role is MessageRole.USER or generation_id is None:
            return None
        generation = await info.context.loaders.generations.load(generation_id)
        return Generation.of(generation) if generation else None

    @strawberry.field
    async def branches(self, info: Info) -> "list[ChatMessage]":
        """This message and those beside it, oldest first: other answers to the same message, or what was sent instead.

        `chooseBranch` shows one of them, with what was said after it.
        """
        beside = await _beside(info, self.message)
        found = await info.context.loaders.exchanges.load_many(list(beside.values()))
        return [ChatMessage.of(Message(exchange, self.message.role)) for exchange in found if exchange]

    @strawberry.field
    async def branch_count(self, info: Info) -> int:
        """How many `branches` there are, this message included."""
        return len(await _beside(info, self.message))

    @strawberry.field
    async def branch_index(self, info: Info) -> int:
        """The place of this message among its `branches`, from 0."""
        return list(await _beside(info, self.message)).index(self.message.identity)


@strawberry.type(description="A page of messages of a chat.")
class ChatMessageConnection(CountedConnection[ChatMessage]):
    """In the order in which they were said."""


@strawberry.type
class ChatMessages:
    """What every chat shows of its messages."""

    document: strawberry.Private[stored.Chat]

    @strawberry.field
    async def messages(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> ChatMessageConnection:
        """The messages on the branch that is shown, oldest first; `last: 20` are the latest.

        A cursor is a place in the chat: it keeps its meaning when another branch is shown.
        """
        del info
        page = Numbers(Listing("messages", self.document.identity, newest_first=False), first, after, last, before)
        found = await listing.messages(self.document, page.span)
        shown = [(message.number, ChatMessage.of(message)) for message in found]
        return ChatMessageConnection.of(shown, page, partial(listing.number_of_messages, self.document))


async def find(info: Info, identity: PydanticObjectId) -> ChatMessage | None:
    """A message of a project that the viewer may see."""
    who = viewer(info)
    known = await info.context.loaders.messages.load(identity)
    exchange = await info.context.services.gate.sees(who.user_id, known)
    return None if exchange is None else ChatMessage.of(Message(exchange, role_of(exchange, identity)))


async def result(info: Info, generation: stored_generations.Generation) -> ChatMessage | None:
    """The answer that a succeeded generation was made for; its last write is done here if a crash left it undone."""
    exchange_id = generation.recipe.parent_id
    if exchange_id is None:
        return None
    if not generation.settled:
        await ends.end(generation)
    exchange = await info.context.loaders.exchanges.load(exchange_id)
    return ChatMessage.of(Message(exchange, MessageRole.ASSISTANT)) if exchange else None


async def _beside(info: Info, message: Message) -> dict[PydanticObjectId, PydanticObjectId]:
    """The exchanges of a message and of those beside it, oldest first, by the ids of the messages."""
    exchange, loaders = message.exchange, info.context.loaders
    if message.role is MessageRole.ASSISTANT:
        found = {one: one for one in await loaders.answers.load(exchange.question_id)}
    else:
        place = Beside(exchange.chat_id, exchange.position, exchange.parent_id)
        found = await loaders.questions.load(place)
    return found or {message.identity: exchange.identity}
