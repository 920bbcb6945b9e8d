"""What a person sends, and how far that is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import uuid4

from beanie import PydanticObjectId

from app.chats.exchange import Exchange
from app.chats.model import Chat, ChatKind
from app.chats.parts import Reference
from app.chats.references import Given
from app.errors import bad_input
from app.generations.recipe import UsedTemplate
from app.labels import written

PROMPT_MAX_CHARACTERS: Final = 8_000
WISH_MAX_CHARACTERS: Final = 2_000
IMAGES_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, as it is kept; `template` is the saved prompt that it comes from, null without one."""

    prompt: str
    image_count: int = 1
    with_context: bool = False
    allow_partial: bool = False
    references: tuple[Reference, ...] = ()
    template: UsedTemplate | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before its references were looked at."""

    prompt: str
    image_count: int = 1
    given: Sequence[Given] = ()
    with_context: bool = False
    allow_partial: bool = False
    template: UsedTemplate | None = None


@dataclass(frozen=True, slots=True)
class Edits:
    """A message to be sent anew; null for what stays as it is."""

    prompt: str
    image_count: int | None = None
    given: Sequence[Given] | None = None
    with_context: bool | None = None
    allow_partial: bool | None = None

    def of(self, known: Exchange) -> Sent:
        """The message that a known one becomes by them, with its references as they were; no template fits it now."""
        return Sent(
            self.prompt,
            len(known.slots) if self.image_count is None else self.image_count,
            known.with_context if self.with_context is None else self.with_context,
            known.allow_partial if self.allow_partial is None else self.allow_partial,
            known.references,
        )


class Caller(NamedTuple):
    """Who calls, with their idempotency key, null for a call without one; `asked` is the call's input in one text."""

    user_id: PydanticObjectId
    key: str | None = None
    asked: str = ""

    @property
    def hashed_key(self) -> str:
        """What an exchange is known by: members may use the same keys."""
        return sha256(f"{self.user_id}:{self.key or uuid4().hex}".encode()).hexdigest()


def as_prompt(prompt: str) -> str:
    """The prompt as it is kept: trimmed, its lines as they are.

    Raises:
        AppError: BAD_USER_INPUT when it is empty or too long.
    """
    clean = written(prompt)
    if not 1 <= len(clean) <= PROMPT_MAX_CHARACTERS:
        message = f"A prompt has 1 to {PROMPT_MAX_CHARACTERS:,} characters, not {len(clean):,}."
        raise bad_input(message, "input", "prompt")
    return clean


def as_wish(wish: str | None) -> str | None:
    """A wish as it is kept; null for none, or an empty one.

    Raises:
        AppError: BAD_USER_INPUT when it is too long.
    """
    clean = written(wish or "")
    if len(clean) > WISH_MAX_CHARACTERS:
        raise bad_input(f"The wish is too long: at most {WISH_MAX_CHARACTERS:,} characters.", "input", "wish")
    return clean or None


def check_image_count(count: int) -> None:
    """Look at how many images are wanted.

    Raises:
        AppError: BAD_USER_INPUT with its path.
    """
    if not 1 <= count <= IMAGES_MAX:
        raise bad_input(f"`imageCount` is from 1 to {IMAGES_MAX}, not {count}.", "input", "imageCount")


def check_context(chat: Chat, *, with_context: bool) -> None:
    """Look at whether the project's context may be added.

    Raises:
        AppError: BAD_USER_INPUT with its path, outside of a frame.
    """
    if with_context and chat.kind is not ChatKind.FRAME:
        message = "`withContext` adds the project's context text in the chat of a frame, and in no other."
        raise bad_input(message, "input", "withContext")
