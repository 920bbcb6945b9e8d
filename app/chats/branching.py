"""An exchange gets its place: at the end of the branch that is shown, or as the first one of a branch of its own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from beanie import PydanticObjectId

from app.chats import branches
from app.chats.exchange import Exchange, place_of
from app.chats.model import Chat
from app.chats.parts import AnswerStatus, Fork, Making, Slot
from app.chats.recipes import ChatModels, recipe_of
from app.chats.sending import Caller, Sent
from app.errors import AppError, ErrorCode, not_found
from app.lineage.tombstone import Tombstone

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an exchange is to lie; `fork` is null for one that goes on with a branch."""

    branch_id: PydanticObjectId
    position: int
    parent_id: PydanticObjectId | None
    fork: Fork | None = None


class _Where(NamedTuple):
    """Whose it is, and in which chat."""

    owner_id: PydanticObjectId
    project_id: PydanticObjectId
    chat_id: PydanticObjectId


@dataclass(frozen=True, slots=True)
class Words:
    """What is said in an exchange: a message, by whom and when it was sent, and the wish for this answer.

    `context_text` is the project's, null where it is not wanted.
    """

    sent: Sent
    question_id: PydanticObjectId
    author_id: PydanticObjectId | None
    asked_at: datetime
    wish: str | None = None
    context_text: str | None = None


async def append(chat: Chat, words: Words, caller: Caller, models: ChatModels, now: datetime) -> Exchange:
    """Store an exchange at the end of the branch that is shown, with its work to be begun.

    The one of the same idempotency key, if that was stored meanwhile.

    Raises:
        AppError: NOT_FOUND when the chat is deleted for ever meanwhile; retryable UNAVAILABLE when very many send at
            the same moment.
    """
    key, where = caller.hashed_key, _Where(chat.owner_id, chat.project_id, chat.identity)
    for _ in range(_TRIES):
        spot = await _end_of(chat, now)
        exchange = _exchange(where, spot, words, (key, caller.asked), models, now)
        if await exchange.put():
            await _require_chat(exchange, "input", "chatId")
            if exchange.fork is None:
                await branches.use(chat.identity, spot.branch_id)
            return exchange
        if known := await Exchange.of_key(key):
            return known
    message = "Too many are sending in this chat at the moment. Try again."
    raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True)


async def begin_beside(other: Exchange, words: Words, caller: Caller, models: ChatModels, now: datetime) -> Exchange:
    """Store an exchange in the place of another, as the first one of a branch, with its work to be begun.

    The one of the same idempotency key, if that was stored meanwhile.

    Raises:
        AppError: NOT_FOUND when the chat is deleted for ever meanwhile.
    """
    route = await branches.route_of(other.chat_id, other.branch_id)
    branch_id, key = PydanticObjectId(), caller.hashed_key
    spot = Spot(branch_id, other.position, other.parent_id, Fork(above=route.before(other), used_at=now))
    exchange = _exchange(other, spot, words, (key, caller.asked), models, now)
    if not await exchange.put():
        known = await Exchange.of_key(key)
        if known is None:  # and no other can have its place: its id is new
            raise not_found("This message", "input", "messageId")
        return known
    await _require_chat(exchange, "input", "messageId")
    return exchange


async def show(chat_id: PydanticObjectId, branch_id: PydanticObjectId) -> None:
    """Let a branch be the one that is shown, and used last."""
    await branches.use(chat_id, branch_id)
    await Chat.show_branch(chat_id, branch_id)


async def branch_through(chat: Chat, message_id: PydanticObjectId, exchange: Exchange) -> PydanticObjectId:
    """The branch to be shown so that a message is: the one that is, if it is there, else of all the one used last."""
    answers = [exchange]
    if message_id != exchange.identity:  # a user's message, with whichever of its answers
        ids = (await branches.answers_to([message_id])).get(message_id, [])
        answers = list((await Exchange.by_ids(ids)).values())
    route = await branches.route_of(chat.identity, chat.branch_id)
    if any(route.place(one.position) == one.place for one in answers):
        return chat.branch_id
    return max([await branches.used_last(one) for one in answers], key=lambda one: one.at).branch_id


async def _end_of(chat: Chat, now: datetime) -> Spot:
    branch_id = (await _shown(chat)).branch_id
    last = await branches.last_of(branch_id)
    if last is None:
        return Spot(chat.identity, 0, None, Fork(above=(), used_at=now))
    return Spot(branch_id, last.position + 1, last.identity)


async def _shown(chat: Chat) -> Chat:
    """The chat as it is now.

    Raises:
        AppError: NOT_FOUND when it is gone.
    """
    found = (await Chat.by_ids([chat.identity])).get(chat.identity)
    if found is None:
        raise not_found("This chat", "input", "chatId")
    return found


async def _require_chat(exchange: Exchange, *path: str) -> None:
    """Who deletes a chat for ever leaves its tombstone first: what comes later takes itself back.

    Raises:
        AppError: NOT_FOUND with that path.
    """
    if await Tombstone.of([exchange.chat_id, exchange.project_id]):
        await Exchange.withdraw(exchange.identity)
        raise not_found("This chat", *path)


def _exchange(
    where: _Where | Exchange, spot: Spot, words: Words, key: tuple[str, str], models: ChatModels, now: datetime
) -> Exchange:
    """One whose work is to begin; not stored yet."""
    sent = words.sent
    given: dict[str, Any] = {name: getattr(sent, name) for name in ("prompt", "with_context", "allow_partial")}
    exchange = Exchange(
        id=spot.branch_id if spot.fork and spot.branch_id != where.chat_id else PydanticObjectId(),
        owner_id=where.owner_id,
        project_id=where.project_id,
        chat_id=where.chat_id,
        branch_id=spot.branch_id,
        position=spot.position,
        place=place_of(spot.branch_id, spot.position),
        fork=spot.fork,
        question_id=words.question_id,
        parent_id=spot.parent_id,
        author_id=words.author_id,
        asked_at=words.asked_at,
        idempotency_key=key[0],
        asked=key[1],
        wish=words.wish,
        references=sent.references,
        template=sent.template,
        status=AnswerStatus.PROCESSING,
        slots=tuple(Slot(image_id=PydanticObjectId()) for _ in range(sent.image_count)),
        due=Exchange.soon(),
        created_at=now,
        changed_at=now,
        **given,
    )
    recipe = recipe_of(exchange, words.context_text, models)
    exchange.making = Making(generation_id=PydanticObjectId(), recipe=recipe)
    exchange.generation_id = exchange.making.generation_id
    return exchange
