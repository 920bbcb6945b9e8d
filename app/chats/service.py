"""The use cases of chats: send a message, have it answered once more, go back to another branch."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from beanie import PydanticObjectId

from app.access import Gate, Role
from app.chats import branching
from app.chats.branching import Words
from app.chats.exchange import Exchange
from app.chats.model import Chat
from app.chats.parts import Making
from app.chats.recipes import ChatModels, recipe_of
from app.chats.references import Referred
from app.chats.rooms import Room, room_of
from app.chats.sending import Caller, Draft, Edits, Sent, check_context, check_image_count
from app.chats.starting import NOT_ITS_OWN, ExchangeStarter
from app.chats.wording import check_length
from app.errors import AppError, ErrorCode, bad_input

_CHAT, _MESSAGE, _KEY = ("input", "chatId"), ("input", "messageId"), ("input", "idempotencyKey")
_PROMPT, _WISH = ("input", "prompt"), ("input", "wish")
_REFERENCES = ("input", "contextImageIds")


class Answering(NamedTuple):
    """An exchange that was stored, and why nothing is made of it; null when something is."""

    exchange: Exchange
    refusal: AppError | None = None


@dataclass(frozen=True, slots=True)
class Chats:
    """Keeps messages, and starts the generations that answer them; `referred` finds what guides the images."""

    starter: ExchangeStarter
    models: ChatModels
    referred: Referred

    async def known(self, caller: Caller) -> Answering | None:
        """What the same call has stored before; null for a new one. What could not be started then is tried again.

        To be asked before anything that the input names is looked at: that may be gone by now.

        Raises:
            AppError: FORBIDDEN when the caller is no editor any more; CONFLICT when the key was used with another
                input.
        """
        known = await Exchange.of_key(caller.hashed_key) if caller.key is not None else None
        if known is None:
            return None
        await self.gate.require(caller.user_id, known, Role.EDITOR, "What this key was used for", *_KEY)
        return await self._answering(known, caller)

    async def send(self, caller: Caller, chat_id: PydanticObjectId, draft: Draft) -> Answering:
        """Store a message at the end of the branch that is shown, and start the generation that answers it.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN; CONFLICT in the trash, and for a used key; BAD_USER_INPUT. Nothing is
                stored then.
        """
        chat = (await Chat.by_ids([chat_id])).get(chat_id)
        room = await room_of(await self.gate.require(caller.user_id, chat, Role.EDITOR, "This chat", *_CHAT), *_CHAT)
        check_image_count(draft.image_count)
        check_context(room.chat, with_context=draft.with_context)
        sent = Sent(
            draft.prompt,
            draft.image_count,
            draft.with_context,
            draft.allow_partial,
            await self.referred(caller.user_id, room.project, draft.given, _REFERENCES),
            draft.template,
        )
        now = self.starter.generations.clock.now()
        words = _checked(room, Words(sent, PydanticObjectId(), caller.user_id, now), *_PROMPT)
        return await self._answering(await branching.append(room.chat, words, caller, self.models, now), caller)

    async def regenerate(self, caller: Caller, message_id: PydanticObjectId, wish: str | None) -> Answering:
        """Have the same message answered once more; the answer that is there stays as it is, beside the new one.

        Raises:
            AppError: as `send`; BAD_USER_INPUT for a user's message.
        """
        other = await self.answer(caller.user_id, message_id, "send it anew with `editAndResend`")
        sent = Sent(
            other.prompt, len(other.slots), other.with_context, other.allow_partial, other.references, other.template
        )
        words = Words(sent, other.question_id, other.author_id, other.sent_at, wish)
        words = _checked(await self._room(other), words, *_WISH)
        return await self._beside(caller, other, words)

    async def edit(self, caller: Caller, message_id: PydanticObjectId, edits: Edits) -> Answering:
        """Send a user's message anew with other words; what was said after it stays with the old one.

        Raises:
            AppError: as `send`; BAD_USER_INPUT for an assistant's message.
        """
        other = await self._required(caller.user_id, message_id)
        if other.identity == message_id:
            message = "This is an answer: have it made anew with `regenerateMessage`, or name the message it answers."
            raise bad_input(message, *_MESSAGE)
        room = await self._room(other)
        sent = edits.of(other)
        check_image_count(sent.image_count)
        check_context(room.chat, with_context=sent.with_context)
        if edits.given is not None:
            found = await self.referred(caller.user_id, room.project, edits.given, _REFERENCES)
            sent = replace(sent, references=found)
        words = Words(sent, PydanticObjectId(), caller.user_id, self.starter.generations.clock.now())
        return await self._beside(caller, other, _checked(room, words, *_PROMPT))

    async def choose(self, user_id: PydanticObjectId, message_id: PydanticObjectId) -> Exchange:
        """Show a branch that leads through that message; of several the one used last. Safe to repeat.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN; CONFLICT in the trash.
        """
        exchange = await self._required(user_id, message_id)
        room = await self._room(exchange)
        branch_id = await branching.branch_through(room.chat, message_id, exchange)
        await branching.show(room.chat.identity, branch_id)
        await self.starter.wake(exchange)
        return exchange

    async def answer(self, user_id: PydanticObjectId, message_id: PydanticObjectId, instead: str) -> Exchange:
        """The exchange of an assistant's message, for an editor; `instead` is what to do with a user's.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN; BAD_USER_INPUT for a user's message.
        """
        exchange = await self._required(user_id, message_id)
        if exchange.identity != message_id:
            message = f"This is a message of a user: {instead}, or name the answer to it."
            raise bad_input(message, *_MESSAGE)
        return exchange

    @property
    def gate(self) -> Gate:
        """Who decides what one may see and do."""
        return self.starter.generations.gate

    async def _required(self, user_id: PydanticObjectId, message_id: PydanticObjectId) -> Exchange:
        exchange = await Exchange.of_message(message_id)
        return await self.gate.require(user_id, exchange, Role.EDITOR, "This message", *_MESSAGE)

    async def _room(self, exchange: Exchange) -> Room:
        chat = (await Chat.by_ids([exchange.chat_id])).get(exchange.chat_id)
        return await room_of(chat, *_MESSAGE)

    async def _beside(self, caller: Caller, other: Exchange, words: Words) -> Answering:
        now = self.starter.generations.clock.now()
        return await self._answering(await branching.begin_beside(other, words, caller, self.models, now), caller)

    async def _answering(self, exchange: Exchange, caller: Caller) -> Answering:
        """Have its work started, if it is not.

        Raises:
            AppError: CONFLICT when the key was used with another input.
        """
        if exchange.asked != caller.asked:
            message = "This idempotencyKey was used before with another input; use a new key for a new message."
            raise AppError(ErrorCode.CONFLICT, message, path=_KEY)
        if exchange.making is None and exchange.generation_id is None:  # it was refused then
            exchange = await self._begun(exchange) or exchange
        refusal = None
        if exchange.making is not None and not exchange.making.started:
            try:
                await self.starter.start(exchange, exchange.making)
            except AppError as error:
                if error.code in NOT_ITS_OWN:
                    raise
                refusal = error
        now = (await Exchange.by_ids([exchange.identity])).get(exchange.identity)
        return Answering(now or exchange, refusal)

    async def _begun(self, exchange: Exchange) -> Exchange | None:
        """With its work to be begun once more; null when it has changed since it was read."""
        room = await self._room(exchange)
        recipe = recipe_of(exchange, room.context_text(with_context=exchange.with_context), self.models)
        return await exchange.begin(Making(generation_id=PydanticObjectId(), recipe=recipe))


def _checked(room: Room, words: Words, *path: str) -> Words:
    """With the project's context, as far as it is wanted.

    Raises:
        AppError: BAD_USER_INPUT with that path for what is too long together.
    """
    sent, context_text = words.sent, room.context_text(with_context=words.sent.with_context)
    check_length(sent.prompt, words.wish, len({one.sha256 for one in sent.references}), context_text, *path)
    return replace(words, context_text=context_text)
