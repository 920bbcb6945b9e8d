"""The user's words: what is taken, and how they stand in an instruction."""

from collections.abc import Sequence

from app.errors import AppError, bad_input
from app.lineage.wishes import check_wish
from app.ornaments.asked import Asked
from app.pictures.colours import parse_colour

MEASUREMENTS_MAX_CHARACTERS = 500
NAME_MAX_CHARACTERS = 100


def check_words(asked: Asked) -> None:
    """Look at each text on its own.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    check_wish(asked.wish)
    if len(asked.measurements or "") > MEASUREMENTS_MAX_CHARACTERS:
        message = f"The measurements are too long: at most {MEASUREMENTS_MAX_CHARACTERS} characters."
        raise bad_input(message, "input", "measurements")
    for place, name in enumerate(asked.ornament_names):
        if not 1 <= len(name) <= NAME_MAX_CHARACTERS:
            message = f"The name of an ornament has 1 to {NAME_MAX_CHARACTERS} characters."
            raise bad_input(message, "input", "ornamentNames", str(place))
    if asked.background is not None:
        try:
            parse_colour(asked.background)
        except AppError as error:
            raise error.at("input", "backgroundColor") from error


def measured(asked: Asked) -> str:
    """The measurements as a sentence that goes on, empty without any."""
    measurements = (asked.measurements or "").strip().rstrip(".")
    return f". Measurements: {measurements}" if measurements else ""


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def fits(_: Asked) -> None:
    """All words of some kinds fit together."""
