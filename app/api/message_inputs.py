"""What mutations of messages take."""

import strawberry

from app.api.keys import KEY_WORDS
from app.api.templates import TemplateVariableInput
from app.chats.references import REFERENCES_MAX
from app.chats.sending import IMAGES_MAX, PROMPT_MAX_CHARACTERS, WISH_MAX_CHARACTERS

_PROMPT = f"What the images are to show, 1 to {PROMPT_MAX_CHARACTERS:,} characters."
_COUNT = f"How many images, 1 to {IMAGES_MAX}."
_REFERENCES = (
    f"What guides the images: at most {REFERENCES_MAX} ids: of `ChatImage`s of projects that you see, of "
    "`OrnamentImage`s and `Picture`s of yours, of the project's pictures. Each is described by a model that looks at "
    "pictures, once; the image model gets the description and the picture."
)
_CONTEXT = "Add the project's context text to the prompt; in the chat of a frame alone."
_PARTIAL = "Show the images that could be made when others could not be; without it there are all of them or none."
_ANSWER = "The id of an assistant's `ChatMessage`."


@strawberry.input(description="A message.")
class SendMessageInput:
    """What `sendMessage` takes."""

    chat_id: strawberry.ID = strawberry.field(description="The id of a `Chat` of a project that you may edit.")
    prompt: str | None = strawberry.field(default=None, description=f"{_PROMPT} This or a `templateId`, not both.")
    image_count: int = strawberry.field(default=1, description=_COUNT)
    context_image_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list[strawberry.ID], description=_REFERENCES
    )
    with_context: bool = strawberry.field(default=False, description=_CONTEXT)
    allow_partial: bool = strawberry.field(default=False, description=_PARTIAL)
    template_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of a `Template` of yours, whose words are the prompt."
    )
    variables: list[TemplateVariableInput] | None = strawberry.field(
        default=None, description="A value for each variable of the template, and for nothing else."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="An answer that is to be made once more.")
class RegenerateMessageInput:
    """What `regenerateMessage` takes."""

    message_id: strawberry.ID = strawberry.field(description=_ANSWER)
    wish: str | None = strawberry.field(
        default=None,
        description=f"What to mind this time, at most {WISH_MAX_CHARACTERS:,} characters; it joins the prompt, in the "
        "place of a wish for the other answer.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A message that is to be sent anew; what is left out stays as it is.")
class EditAndResendInput:
    """What `editAndResend` takes."""

    message_id: strawberry.ID = strawberry.field(description="The id of a user's `ChatMessage`.")
    prompt: str = strawberry.field(description=_PROMPT)
    image_count: int | None = strawberry.field(default=None, description=_COUNT)
    context_image_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"In place of those before. {_REFERENCES}"
    )
    with_context: bool | None = strawberry.field(default=None, description=_CONTEXT)
    allow_partial: bool | None = strawberry.field(default=None, description=_PARTIAL)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="An answer that lacks images.")
class RetryMessageImagesInput:
    """What `retryMessageImages` takes."""

    message_id: strawberry.ID = strawberry.field(description=_ANSWER)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A message that is to be seen.")
class ChooseBranchInput:
    """What `chooseBranch` takes."""

    message_id: strawberry.ID = strawberry.field(description="The id of a `ChatMessage`, whosever it is.")
