"""What people say of their projects, and how far that is taken."""

from dataclasses import dataclass

from app.errors import bad_input
from app.labels import plain, written

NAME_MAX_CHARACTERS = 200
CONTEXT_TEXT_MAX_CHARACTERS = 8_000
PICTURES_MAX = 8


@dataclass(frozen=True, slots=True)
class Words:
    """A project in its owner's words, as they are kept."""

    name: str
    context_text: str = ""


def as_name(name: str) -> str:
    """The name as it is kept: in one line, trimmed.

    Raises:
        AppError: BAD_USER_INPUT when it is empty or too long.
    """
    clean = plain(name)
    if not 1 <= len(clean) <= NAME_MAX_CHARACTERS:
        raise bad_input(f"The name of a project has 1 to {NAME_MAX_CHARACTERS} characters.", "input", "name")
    return clean


def as_context_text(text: str | None) -> str:
    """The text as it is kept: trimmed, its lines as they are; empty for none.

    Raises:
        AppError: BAD_USER_INPUT when it is too long.
    """
    clean = written(text or "")
    if len(clean) > CONTEXT_TEXT_MAX_CHARACTERS:
        message = f"The context text is too long: at most {CONTEXT_TEXT_MAX_CHARACTERS:,} characters."
        raise bad_input(message, "input", "contextText")
    return clean
