"""Messages are sent, answered once more, sent anew; another branch is shown."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Self

import strawberry

from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.generations import Generation
from app.api.ids import document_id, parse_global_id
from app.api.keys import keyed
from app.api.message_inputs import (
    ChooseBranchInput,
    EditAndResendInput,
    RegenerateMessageInput,
    RetryMessageImagesInput,
    SendMessageInput,
)
from app.api.messages import TYPE_NAME, ChatMessage
from app.api.node import INPUT
from app.api.projects import CHAT_TYPE_NAME as CHAT
from app.api.templates import TYPE_NAME as TEMPLATE
from app.chats.listing import Message, both, role_of
from app.chats.references import Given
from app.chats.sending import Caller, Draft, Edits, as_prompt, as_wish
from app.chats.service import Answering
from app.errors import bad_input
from app.generations.recipe import UsedTemplate
from app.templates.service import fill


@strawberry.type
class _Answered:
    """What is answered by mutations that store a message."""

    user_message: ChatMessage | None = strawberry.field(default=None, description="The message that is answered.")
    assistant_message: ChatMessage | None = strawberry.field(
        default=None, description="The answer, which is being made; FAILED when nothing could be started."
    )
    generation: Generation | None = strawberry.field(
        default=None, description="The work that was started: follow it with `generationProgress`."
    )
    errors: list[UserError] = strawberry.field(
        default_factory=list[UserError],
        description="Without messages: why nothing was stored. Beside them: why nothing could be started; the answer's "
        "`failure` says the same. The same call with the same idempotencyKey tries again, and so does "
        "`retryMessageImages`.",
    )

    @classmethod
    async def of(cls, info: Info, answering: Answering) -> Self:
        """What was stored."""
        asked, answer = (ChatMessage.of(message) for message in both(answering.exchange))
        errors = [UserError.of(answering.refusal)] if answering.refusal else []
        generation_id = answering.exchange.generation_id
        found = await info.context.loaders.generations.load(generation_id) if generation_id else None
        started = Generation.of(found) if found else None
        return cls(user_message=asked, assistant_message=answer, generation=started, errors=errors)


@strawberry.type(description="The message and its answer, which is being made, or why nothing was sent.")
class SendMessagePayload(_Answered):
    """What `sendMessage` answers."""


@strawberry.type(description="The message and its new answer, which is being made, or why there is none.")
class RegenerateMessagePayload(_Answered):
    """What `regenerateMessage` answers."""


@strawberry.type(description="The new message and its answer, which is being made, or why nothing was sent.")
class EditAndResendPayload(_Answered):
    """What `editAndResend` answers."""


@strawberry.type(description="The answer whose images are being made, or why they are not.")
class RetryMessageImagesPayload:
    """What `retryMessageImages` answers."""

    message: ChatMessage | None = strawberry.field(default=None, description="The answer.")
    generation: Generation | None = strawberry.field(default=None, description="The work that was started.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not started.")


@strawberry.type(description="The message that is shown, or why it is not.")
class ChooseBranchPayload:
    """What `chooseBranch` answers."""

    message: ChatMessage | None = strawberry.field(
        default=None, description="The message: read the chat's `messages` anew for those around it."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type
class MessageMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(SendMessagePayload)
    async def send_message(self, info: Info, input: Annotated[SendMessageInput, INPUT]) -> SendMessagePayload | None:
        """Send a prompt in a chat; the answer is there at once, and its images follow.

        The references are described, the prompt is put together, the images are made side by side. Nothing is stored
        of a message that can't be taken; one that is stored is never lost, whatever becomes of its images.
        """
        caller, chats = await _caller(info, input), info.context.services.chats
        if known := await chats.known(caller):
            return await SendMessagePayload.of(info, known)
        chat_id, words = document_id(input.chat_id, CHAT, "input", "chatId"), await _words(caller, input)
        draft = Draft(
            words.prompt,
            input.image_count,
            _given(input.context_image_ids),
            input.with_context,
            input.allow_partial,
            words.template,
        )
        return await SendMessagePayload.of(info, await chats.send(caller, chat_id, draft))

    @strawberry.mutation
    @errors_in(RegenerateMessagePayload)
    async def regenerate_message(
        self, info: Info, input: Annotated[RegenerateMessageInput, INPUT]
    ) -> RegenerateMessagePayload | None:
        """Have a message answered once more. The answer that is there stays, with all that was said after it.

        The new one is a branch beside it, and the chat shows that; `chooseBranch` goes back.
        """
        caller, message_id = await _caller(info, input), _message_id(input)
        wish, chats = as_wish(input.wish), info.context.services.chats
        answering = await chats.known(caller) or await chats.regenerate(caller, message_id, wish)
        return await RegenerateMessagePayload.of(info, answering)

    @strawberry.mutation
    @errors_in(EditAndResendPayload)
    async def edit_and_resend(
        self, info: Info, input: Annotated[EditAndResendInput, INPUT]
    ) -> EditAndResendPayload | None:
        """Send a message of a user anew, with other words. The old one stays, with all that was said after it.

        The new one is a branch beside it, and the chat shows that; `chooseBranch` goes back.
        """
        caller, message_id, given = await _caller(info, input), _message_id(input), input.context_image_ids
        edits = Edits(
            as_prompt(input.prompt),
            input.image_count,
            None if given is None else _given(given),
            input.with_context,
            input.allow_partial,
        )
        chats = info.context.services.chats
        answering = await chats.known(caller) or await chats.edit(caller, message_id, edits)
        return await EditAndResendPayload.of(info, answering)

    @strawberry.mutation
    @errors_in(RetryMessageImagesPayload)
    async def retry_message_images(
        self, info: Info, input: Annotated[RetryMessageImagesInput, INPUT]
    ) -> RetryMessageImagesPayload | None:
        """Make the images that an answer lacks, by the same prompt, references and context.

        What was made before the work failed is not made again, also when it was never shown.
        """
        caller, message_id = await _caller(info, input), _message_id(input)
        exchange, started = await info.context.services.missing.make(caller, message_id)
        _, answer = both(exchange)
        return RetryMessageImagesPayload(message=ChatMessage.of(answer), generation=Generation.of(started))

    @strawberry.mutation
    @errors_in(ChooseBranchPayload)
    async def choose_branch(self, info: Info, input: Annotated[ChooseBranchInput, INPUT]) -> ChooseBranchPayload | None:
        """Let a chat show a message and what was said after it, to everybody; of several branches the one used last."""
        who, message_id = viewer(info), _message_id(input)
        exchange = await info.context.services.chats.choose(who.user_id, message_id)
        return ChooseBranchPayload(message=ChatMessage.of(Message(exchange, role_of(exchange, message_id))))


class _Words(NamedTuple):
    prompt: str
    template: UsedTemplate | None = None


async def _caller(info: Info, input: Any) -> Caller:
    """Who calls, with what.

    Raises:
        AppError: UNAUTHENTICATED; BAD_USER_INPUT for a key that is none.
    """
    call = await keyed(input)
    return Caller(viewer(info).user_id, call.key, call.asked or "")


async def _words(caller: Caller, input: SendMessageInput) -> _Words:
    """What is to be sent.

    Raises:
        AppError: BAD_USER_INPUT, NOT_FOUND or FORBIDDEN with the path of the argument at fault.
    """
    if (input.prompt is None) is (input.template_id is None):
        raise bad_input("Say what the images are to show: give a `prompt` or a `templateId`.", "input", "prompt")
    if input.template_id is None:
        if input.variables:
            raise bad_input("`variables` are for a template: say which one as `templateId`.", "input", "variables")
        return _Words(as_prompt(input.prompt or ""))
    values = [(one.name, one.value) for one in input.variables or ()]
    filled = await fill(caller.user_id, document_id(input.template_id, TEMPLATE, "input", "templateId"), values)
    return _Words(as_prompt(filled.text), filled.template)


def _given(ids: Sequence[strawberry.ID]) -> list[Given]:
    return [parse_global_id(one, "input", "contextImageIds", str(place)) for place, one in enumerate(ids)]


def _message_id(
    input: RegenerateMessageInput | EditAndResendInput | RetryMessageImagesInput | ChooseBranchInput,
) -> Any:
    return document_id(input.message_id, TYPE_NAME, "input", "messageId")
