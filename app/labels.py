"""What people call their things: tags and the words of a search, as they are kept and looked for."""

from collections.abc import Sequence
from unicodedata import category

from app.errors import bad_input

TAGS_MAX, TAG_MAX_CHARACTERS = 20, 50
SEARCH_MAX_CHARACTERS, SEARCH_MAX_WORDS = 200, 10
_UNSEEN = frozenset({"Cc", "Cs"})
"""Unicode's control characters and halves of surrogate pairs."""
_LAYOUT = "\n\t"


def as_tag(text: str, *path: str) -> str:
    """The tag as it is kept: trimmed, in lower case.

    Raises:
        AppError: BAD_USER_INPUT with that path when it is empty or too long.
    """
    tag = plain(text).lower()
    if not 1 <= len(tag) <= TAG_MAX_CHARACTERS:
        raise bad_input(f"A tag has 1 to {TAG_MAX_CHARACTERS} characters.", *path)
    return tag


def as_tags(tags: Sequence[str], *path: str) -> tuple[str, ...]:
    """The tags as they are kept, each once.

    Raises:
        AppError: BAD_USER_INPUT when one is empty or too long, or when they are too many.
    """
    read = tuple(dict.fromkeys(as_tag(one, *path, str(place)) for place, one in enumerate(tags)))
    if len(read) > TAGS_MAX:
        raise bad_input(f"These are too many tags: at most {TAGS_MAX}.", *path)
    return read


def as_words(search: str, *path: str) -> tuple[str, ...]:
    """The words of a search, each once.

    Raises:
        AppError: BAD_USER_INPUT with that path when it is too long.
    """
    words = tuple(dict.fromkeys(plain(search).lower().split()))
    if len(search) > SEARCH_MAX_CHARACTERS or len(words) > SEARCH_MAX_WORDS:
        message = f"A search has at most {SEARCH_MAX_CHARACTERS} characters in {SEARCH_MAX_WORDS} words."
        raise bad_input(message, *path)
    return words


def plain(text: str) -> str:
    """The text without what can't be seen: control characters are spaces, and there is one of them at a time."""
    return " ".join("".join(" " if category(one) in _UNSEEN else one for one in text).split())


def written(text: str) -> str:
    """A text of several lines without what can't be seen: its lines stay, other control characters are spaces."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(" " if category(one) in _UNSEEN and one not in _LAYOUT else one for one in lines).strip()
