"""What people say of frames and contexts, and how far that is taken."""

from dataclasses import dataclass

from app.errors import bad_input
from app.labels import plain, written

TITLE_MAX_CHARACTERS = 200
TEXT_MAX_CHARACTERS = 4_000
PICTURES_MAX = 8


@dataclass(frozen=True, slots=True)
class Described:
    """A frame or a context in people's words, as they are kept; a frame has no text, and may have no title."""

    title: str = ""
    text: str = ""


def as_frame_title(title: str | None) -> str:
    """The title as it is kept: in one line, trimmed; empty for none.

    Raises:
        AppError: BAD_USER_INPUT when it is too long.
    """
    clean = plain(title or "")
    if len(clean) > TITLE_MAX_CHARACTERS:
        raise bad_input(f"The title is too long: at most {TITLE_MAX_CHARACTERS} characters.", "input", "title")
    return clean


def as_context_title(title: str) -> str:
    """The same of a context, which has one.

    Raises:
        AppError: BAD_USER_INPUT when it is empty or too long.
    """
    clean = as_frame_title(title)
    if not clean:
        raise bad_input(f"The title of a context has 1 to {TITLE_MAX_CHARACTERS} characters.", "input", "title")
    return clean


def as_text(text: str | None) -> str:
    """The text of a context as it is kept: trimmed, its lines as they are; empty for none.

    Raises:
        AppError: BAD_USER_INPUT when it is too long.
    """
    clean = written(text or "")
    if len(clean) > TEXT_MAX_CHARACTERS:
        raise bad_input(f"The text is too long: at most {TEXT_MAX_CHARACTERS:,} characters.", "input", "text")
    return clean
