"""A prompt's words, as far as a placeholder understands them."""

import re
import unicodedata
from dataclasses import dataclass

from app.pictures.colours import Colour, find_colour

_READ_CHARACTERS = 4_000
_SHOWN_CHARACTERS = 110
_COLOURS = 3
_COLOUR_WORDS = (3, 2, 1)  # "light golden yellow" has three: the longest name that fits is meant
_THINGS = frozenset({"snow", "orchid", "peru", "linen"})  # CSS has colours of these names; people mean the things
_CALLED = {"golden": "gold", "silvery": "silver", "emeralds": "emerald", "rubies": "ruby", "sapphires": "sapphire"}
_BEFORE_GROUND = frozenset({"on", "onto", "against", "background", "before"})
_WORD = re.compile(r"#[0-9a-f]{3,6}\b|[^\W_]+(?:['-][^\W_]+)*")
_FOLDED = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
)
_TYPED = str.maketrans({"–": "-", "—": "-", "„": "“", "‚": "‘", "\xa0": " "})  # noqa: RUF001 - dashes and quotes as they are typed


@dataclass(frozen=True, slots=True)
class Words:
    """`each` in lower case and in order, the `colours` that they name, and the `caption` to be set in type.

    The first colour is what something is said to be on, where that is named. The caption holds printable ASCII and
    typographic quotes, which is what the type at hand has: letters with accents lose them, other scripts are left
    out. It is empty where nothing remains.
    """

    each: tuple[str, ...]
    colours: tuple[Colour, ...]
    caption: str


def read(text: str) -> Words:
    """Read a prompt; whatever it says is data."""
    text = unicodedata.normalize("NFC", text[:_READ_CHARACTERS])
    each = tuple(_WORD.findall(text.lower()))
    return Words(each, _colours(each), _caption(text))


def _colours(each: tuple[str, ...]) -> tuple[Colour, ...]:
    found: list[Colour] = []
    at = 0
    while at < len(each) and len(found) < _COLOURS:
        named = ((length, _colour(" ".join(each[at : at + length]))) for length in _COLOUR_WORDS)
        length, colour = next(((length, colour) for length, colour in named if colour is not None), (1, None))
        if colour is not None and colour not in found:
            found.insert(0 if at and each[at - 1] in _BEFORE_GROUND else len(found), colour)
        at += length
    return tuple(found)


def _colour(name: str) -> Colour | None:
    return None if name in _THINGS else find_colour(_CALLED.get(name, name))


def _caption(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.translate(_FOLDED).translate(_TYPED))
    shown = "".join(letter if _is_in_type(letter) else " " for letter in folded if not unicodedata.combining(letter))
    words = [word for word in shown.split() if any(letter.isalnum() or letter in "&+" for letter in word)]
    caption = " ".join(words)
    if len(caption) <= _SHOWN_CHARACTERS:
        return caption
    return caption[:_SHOWN_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:.-") + "…"


def _is_in_type(letter: str) -> bool:
    return " " <= letter <= "~" or letter in "‘’“”…"  # noqa: RUF001 - the quotes themselves
