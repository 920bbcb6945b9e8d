"""Messages of chats as clients see them: what was asked for, and what was made of it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

import strawberry
from beanie import PydanticObjectId

from app.api.at_hand import NOTHING, NOTHING_AT_HAND, AtHand, Keys, Known, beside, looked_up, shown_pictures
from app.api.chat_images import KEYS as IMAGE_KEYS
from app.api.chat_images import keys_of
from app.api.connections import After, Before, CountedConnection, First, Last, Listing
from app.api.context import Context, Info, viewer
from app.api.derived import derived, deriving, often_ready
from app.api.enums import AnswerStatus, MessageRole
from app.api.generations import Generation, GenerationFailure, failure_of, generation_at_hand, generation_of
from app.api.ids import USER, global_id
from app.api.message_parts import ContextImage, MessageImage, PictureAnalysis
from app.api.node import ID_WORDS, Node
from app.api.positions import Numbers
from app.api.selections import Selected, selected
from app.chats import ends, listing
from app.chats import model as stored
from app.chats.branches import Beside
from app.chats.exchange import Analysis, Exchange, Slot, SlotStatus
from app.chats.image import ChatImage as StoredImage
from app.chats.listing import Message, role_of
from app.chats.wording import answer_text
from app.database.together import at_once
from app.generations import model as stored_generations

if TYPE_CHECKING:
    from app.pictures.model import Picture

TYPE_NAME = "ChatMessage"
_BESIDE = "chatId position parentId"
_KEYS = Keys.of(
    Exchange,
    id="questionId",
    text="prompt analyses status slots",
    prompt="prompt fullPrompt",
    imageCount="slots",
    images="slots",
    contextImages="references",
    analysis="analyses",
    createdAt="createdAt askedAt",
    generation="generationId",
    branches=_BESIDE,
    branchCount=_BESIDE,
    branchIndex=_BESIDE,
)


def _generation(shown: strawberry.Parent["ChatMessage"], info: Info) -> Any:
    """The latest work on an answer: follow it, or cancel it; null of a user, and when none could be started."""
    answer = shown.answer
    return generation_of(info, answer.generation_id, shown.at_hand.generations) if answer else None


def _ready_generation(shown: "ChatMessage", _: Context) -> Any:
    """The same, where it is at hand."""
    answer = shown.answer
    return generation_at_hand(answer.generation_id, shown.at_hand.generations) if answer else None


@deriving
@strawberry.type(description="A message of a chat: a user's, or the assistant's answer to it.")
class ChatMessage(Node):
    """Shown from the exchange that it is a side of."""

    id: strawberry.ID = derived(ID_WORDS, lambda shown: global_id(TYPE_NAME, shown.message.identity))
    role: MessageRole = derived("Whose it is.", attrgetter("message.role"))
    text: str = derived(
        "What to show. Of a user what was written; of the assistant what the references show, and how many "
        "images there are once they are: empty until then, and without references.",
        lambda shown: _text_of(shown.answer) if shown.answer else shown.document.prompt,
    )
    prompt: str | None = derived(
        "Of a user what was written, the same as `text`; of the assistant all that the image model is "
        "asked for: the user's words and the wish, then what the references show, then the project's context. Null "
        "until that is known.",
        lambda shown: shown.document.full_prompt if shown.answer else shown.document.prompt,
    )
    wish: str | None = derived(
        "What was added for this answer with `regenerateMessage`; null without one, and of a user.",
        lambda shown: shown.document.wish if shown.answer else None,
    )
    image_count: int = derived("How many images are asked for.", lambda shown: len(shown.document.slots))
    with_context: bool = derived("Whether the project's context text joins the prompt.")
    allow_partial: bool = derived("Whether the images that could be made are shown when others could not be.")
    context_images: list[ContextImage] = derived(
        "What guides the images, in order.",
        lambda shown: [ContextImage.of(one, shown.at_hand) for one in shown.document.references],
    )
    images: list[MessageImage] = derived(
        "Of the assistant one for each image that is asked for, from the beginning on; of a user none.",
        lambda shown: [MessageImage.of(*one, shown.at_hand) for one in enumerate(shown.slots)],
    )
    analysis: list[PictureAnalysis] = derived(
        "Of the assistant what was said of each picture that guides the images, as soon as all are "
        "described; the same picture is described once. While they are, `text` events of the generation tell it.",
        lambda shown: [
            PictureAnalysis.of(one, shown.at_hand) for one in (shown.answer.analyses if shown.answer else ())
        ],
    )
    status: AnswerStatus = derived(
        "How far it has come; a user's is always READY.",
        lambda shown: shown.answer.status if shown.answer else AnswerStatus.READY,
    )
    failure: GenerationFailure | None = derived(
        "Why images are missing: the latest work on the answer failed, or could not be started; else null.",
        lambda shown: failure_of(shown.answer.failure) if shown.answer else None,
    )
    author_id: strawberry.ID | None = derived(
        "The id of the `User` who sent the message, or that which is answered; null once they are gone.",
        lambda shown: global_id(USER, shown.document.author_id) if shown.document.author_id else None,
    )
    created_at: datetime = derived(
        "When it was sent, or asked for.",
        lambda shown: shown.answer.created_at if shown.answer else shown.document.sent_at,
    )
    message: strawberry.Private[Message]
    at_hand: strawberry.Private[AtHand[StoredImage]] = NOTHING_AT_HAND

    @classmethod
    def of(cls, message: Message, at_hand: AtHand[StoredImage] = NOTHING_AT_HAND) -> Self:
        """A side of an exchange; `at_hand` is what was read with it."""
        return cls(message=message, at_hand=at_hand)

    @property
    def document(self) -> Exchange:
        """The exchange."""
        return self.message.exchange

    @property
    def answer(self) -> Exchange | None:
        """The exchange, of the assistant's message; null of a user's."""
        return self.message.answer

    @property
    def slots(self) -> Sequence[Slot]:
        """The places of an answer's images; none of a user's."""
        return self.message.exchange.slots if self.message.answer else ()

    @property
    def analyses(self) -> Sequence[Analysis]:
        """What was said of an answer's pictures; nothing of a user's."""
        return self.message.exchange.analyses if self.message.answer else ()

    generation: Generation | None = often_ready(_generation, _ready_generation)

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
        asked = selected(info).nodes
        page = Numbers(Listing("messages", self.document.identity, newest_first=False), first, after, last, before)
        found = await listing.messages(self.document, page.span, _keys_of(asked))
        shown = [(one.message.number, one) for one in await _listed(found, asked)]
        return ChatMessageConnection.of(shown, page, partial(listing.number_of_messages, self.document))


async def find(info: Info, identity: PydanticObjectId) -> ChatMessage | None:
    """A message of a project that the viewer may see."""
    who = viewer(info)
    known = await info.context.loaders.messages.load(identity)
    exchange = await info.context.services.gate.sees(who.user_id, known)
    return None if exchange is None else ChatMessage.of(Message(exchange, role_of(exchange, identity)))


async def _listed(messages: Sequence[Message], asked: Selected) -> list[ChatMessage]:
    """Messages of a list as they are shown, with what is asked of them read at once, and what of that at once again."""
    answers, of_images = [one.answer for one in messages if one.answer], asked.below("images").below("image")
    ready = _ready(answers) if of_images else []
    guides = [picture_id for one in messages for picture_id in _guides(one.exchange, asked)]
    made_by = [one.generation_id for one in answers if one.generation_id] if "generation" in asked else []
    read = await at_once(
        looked_up(partial(StoredImage.rows_by_ids, keys=keys_of(of_images)), ready) if ready else None,
        looked_up(shown_pictures, guides) if guides else None,
        looked_up(stored_generations.Generation.rows_by_ids, made_by) if made_by else None,
    )
    images: Known[StoredImage] = read[0] or NOTHING
    pictures: Known[Picture] = read[1] or NOTHING
    generations: Known[stored_generations.Generation] = read[2] or NOTHING
    there = [one for one in images.values() if one]
    below = await beside(StoredImage, there, of_images, IMAGE_KEYS)
    at_hand = AtHand[StoredImage](
        {**images, **below.versions},
        {**pictures, **below.pictures},
        {**generations, **below.generations},
        below.child_counts,
    )
    return [ChatMessage.of(one, at_hand) for one in messages]


def _ready(answers: Sequence[Exchange]) -> list[PydanticObjectId]:
    """Their images that are there."""
    return [slot.image_id for one in answers for slot in one.slots if slot.status is SlotStatus.READY]


def _guides(exchange: Exchange, asked: Selected) -> Iterator[PydanticObjectId]:
    """The pictures that are asked for of what guided an exchange."""
    if "picture" in asked.below("contextImages"):
        yield from (one.picture_id for one in exchange.references)
    if "picture" in asked.below("analysis"):
        yield from (one.picture_id for one in exchange.analyses)


def _keys_of(asked: Selected) -> set[str]:
    """What has to be read of exchanges for messages of which that is asked."""
    return _KEYS.asked(asked) | {"questionId"}


def _text_of(answer: Exchange) -> str:
    return answer_text(answer.analyses, answer.status, [slot.status for slot in answer.slots])


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
