"""What a person tells of a dream, and how far that is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from app.errors import bad_input
from app.labels import as_tag, as_tags, plain, written
from app.moments import as_moment

TEXT_MAX_CHARACTERS = 20_000
TITLE_MAX_CHARACTERS = 200
WISH_MAX_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Told:
    """A dream in its owner's words, as it is kept; `dreamed_at` null: when it is written down."""

    text: str
    title: str | None = None
    dreamed_at: datetime | None = None
    mood: str | None = None
    lucid: bool | None = None
    tags: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The same for the same words, another for others."""
        return sha256(repr(self).encode()).hexdigest()


def as_text(text: str) -> str:
    """The dream's text as it is kept: trimmed, its lines as they are.

    Raises:
        AppError: BAD_USER_INPUT when it is empty or too long.
    """
    clean = written(text)
    if not 1 <= len(clean) <= TEXT_MAX_CHARACTERS:
        message = f"The text of a dream has 1 to {TEXT_MAX_CHARACTERS:,} characters, not {len(clean):,}."
        raise bad_input(message, "input", "text")
    return clean


def as_title(title: str | None) -> str | None:
    """The title as it is kept; null for none, or an empty one.

    Raises:
        AppError: BAD_USER_INPUT when it is too long.
    """
    clean = plain(title or "")
    if len(clean) > TITLE_MAX_CHARACTERS:
        raise bad_input(f"The title is too long: at most {TITLE_MAX_CHARACTERS} characters.", "input", "title")
    return clean or None


def as_dreamed_at(dreamed_at: datetime | None) -> datetime | None:
    """The moment, as the database keeps it.

    Raises:
        AppError: BAD_USER_INPUT when it has no time zone, or can't be kept.
    """
    return None if dreamed_at is None else as_moment(dreamed_at, "input", "dreamedAt")


def as_mood(mood: str | None) -> str | None:
    """The mood as it is kept, like a tag; null for none, or an empty one.

    Raises:
        AppError: BAD_USER_INPUT when it is too long.
    """
    return as_tag(mood, "input", "mood") if plain(mood or "") and mood else None


def as_tags_of_dream(tags: Sequence[str] | None) -> tuple[str, ...]:
    """The tags as they are kept.

    Raises:
        AppError: BAD_USER_INPUT when one is empty or too long, or when they are too many.
    """
    return as_tags(tags or (), "input", "tags")


def as_wish(wish: str | None) -> str | None:
    """A wish as it is kept; null for none, or an empty one.

    Raises:
        AppError: BAD_USER_INPUT when it is too long.
    """
    clean = written(wish or "")
    if len(clean) > WISH_MAX_CHARACTERS:
        raise bad_input(f"The wish is too long: at most {WISH_MAX_CHARACTERS:,} characters.", "input", "wish")
    return clean or None
