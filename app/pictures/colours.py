"""Colours as people write them."""

import re

from PIL import ImageColor

from app.errors import bad_input

type Colour = tuple[int, int, int]
"""Red, green and blue in sRGB, 0 to 255 each."""

_EXTRAS: dict[str, str] = {
    "amber": "#ffbf00",
    "amethyst": "#9966cc",
    "blush": "#f4d6d2",
    "bronze": "#cd7f32",
    "burgundy": "#800020",
    "champagne": "#f7e7ce",
    "charcoal": "#36454f",
    "copper": "#b87333",
    "cream": "#fffdd0",
    "dustyrose": "#dcae96",
    "eggshell": "#f0ead6",
    "emerald": "#50c878",
    "jade": "#00a86b",
    "mint": "#d5f2e3",
    "nude": "#e3bc9a",
    "offwhite": "#faf9f6",
    "onyx": "#353839",
    "pearl": "#eae0c8",
    "platinum": "#e5e4e2",
    "rosegold": "#b76e79",
    "ruby": "#9b111e",
    "sapphire": "#0f52ba",
    "taupe": "#b8a99a",
}
"""What jewellers say and CSS lacks."""

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_FILLING = re.compile(r"[\s_-]+")


def find_colour(text: str) -> Colour | None:
    """The colour that `text` names and nothing else, null when it names none.

    Case, spaces, hyphens and underscores don't count: "Light Blue" is `lightblue`, "off-white" is `offwhite`.
    """
    word = _FILLING.sub("", text).lower()
    written = _EXTRAS.get(word, word)
    if not _HEX.fullmatch(written) and written not in ImageColor.colormap:
        return None
    red, green, blue, *_ = ImageColor.getrgb(written)
    return red, green, blue


def parse_colour(text: str) -> Colour:
    """The colour that `text` names: a CSS name, a jeweller's word or hex digits.

    Raises:
        AppError: BAD_USER_INPUT when it names none; the message says what is accepted.
    """
    colour = find_colour(text)
    if colour is None:
        message = (
            f"“{text[:40]}” is no colour known here. Give a CSS name (white, light blue, navy), a jeweller's word "
            "(cream, off-white, champagne, blush, rose gold) or hex digits (#fff, #ff8800)."
        )
        raise bad_input(message)
    return colour
