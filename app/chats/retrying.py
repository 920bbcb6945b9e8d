"""What is missing of an answer is made by further work; what others before it have made is taken over."""

from dataclasses import dataclass

from beanie import PydanticObjectId

from app.chats import ends
from app.chats.exchange import Exchange
from app.chats.model import Chat
from app.chats.parts import Making
from app.chats.recipes import GENERATION_KIND, recipe_of, recipe_of_missing
from app.chats.rooms import Room, room_of
from app.chats.sending import Caller
from app.chats.service import Chats
from app.errors import AppError, ErrorCode, not_found
from app.generations.model import Generation

_TRIES = 8
_ID, _MESSAGE, _KEY = ("input", "id"), ("input", "messageId"), ("input", "idempotencyKey")


@dataclass(frozen=True, slots=True)
class Missing:
    """Makes the images that answers lack."""

    chats: Chats

    async def retry(self, generation: Generation, key: str | None, batch_id: PydanticObjectId | None) -> Generation:
        """Make what is missing of what a generation was to make; implements `RetryAs`.

        Raises:
            AppError: NOT_FOUND; CONFLICT; RATE_LIMITED, QUOTA_EXCEEDED; with the path of what names the generation.
        """
        del batch_id  # no batch is of answers
        known = await _of_key(generation.owner_id, key)
        if known is not None and known.retry_of == generation.identity:
            return known
        exchange = await ends.of_generation(generation)
        if exchange is None:
            raise not_found("The message that it was made for", *_ID)
        return await self._made(exchange, generation, key, _ID)

    async def make(self, caller: Caller, message_id: PydanticObjectId) -> tuple[Exchange, Generation]:
        """Make the images that an answer lacks.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN; BAD_USER_INPUT for a user's message; CONFLICT while they are being made,
                when none is missing, in the trash, and for a used key; RATE_LIMITED, QUOTA_EXCEEDED.
        """
        exchange = await self.chats.answer(caller.user_id, message_id, "it has no images")
        key = None if caller.key is None else f"missing:{caller.hashed_key}"
        started = await _of_key(exchange.owner_id, key)
        if started is None:
            before_id = exchange.generation_id
            before = (await Generation.without_events([before_id])).get(before_id) if before_id else None
            started = await self._made(exchange, before, key, _MESSAGE)
        elif started.kind != GENERATION_KIND or started.recipe.parent_id != exchange.identity:
            message = "This idempotencyKey was used before with another input; use a new key for new work."
            raise AppError(ErrorCode.CONFLICT, message, path=_KEY)
        return (await Exchange.by_ids([exchange.identity])).get(exchange.identity) or exchange, started

    async def _made(
        self, exchange: Exchange, before: Generation | None, key: str | None, path: tuple[str, ...]
    ) -> Generation:
        room = await room_of((await Chat.by_ids([exchange.chat_id])).get(exchange.chat_id), *path)
        for _ in range(_TRIES):
            begun = exchange if _is_waited_for(exchange, key) else await self._begun(exchange, room, before, key, path)
            if begun is not None and begun.making is not None:
                return await self.chats.starter.start(begun, begun.making)
            now = (await Exchange.by_ids([exchange.identity])).get(exchange.identity)
            if now is None:
                raise not_found("This message", *path)
            exchange = now
        raise AppError(ErrorCode.UNAVAILABLE, "It changes too quickly at the moment. Try again.", retryable=True)

    async def _begun(
        self, exchange: Exchange, room: Room, before: Generation | None, key: str | None, path: tuple[str, ...]
    ) -> Exchange | None:
        """With its work to be begun; null when it has changed since it was read.

        Raises:
            AppError: CONFLICT.
        """
        if exchange.making is not None:
            message = "Its images are being made already: wait for them, or cancel the generation."
            raise AppError(ErrorCode.CONFLICT, message, path=path)
        if not exchange.missing:
            message = "No image is missing of it: have it made anew with `regenerateMessage`."
            raise AppError(ErrorCode.CONFLICT, message, path=path)
        models = self.chats.models
        if before is None:
            recipe = recipe_of(exchange, room.context_text(with_context=exchange.with_context), models)
        else:
            recipe = recipe_of_missing(exchange, before.recipe, models)
        making = Making(
            generation_id=PydanticObjectId(),
            recipe=recipe,
            key=key,
            retry_of=before.identity if before else None,
            before=exchange.generation_id,
        )
        return await exchange.begin(making)


def _is_waited_for(exchange: Exchange, key: str | None) -> bool:
    """Whether a call with that key has begun what is under way."""
    return exchange.making is not None and key is not None and exchange.making.key == key


async def _of_key(owner_id: PydanticObjectId, key: str | None) -> Generation | None:
    return await Generation.of_key(f"{owner_id}:{key}") if key is not None else None
