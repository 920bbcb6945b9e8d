"""What one call to a provider used."""

from collections.abc import Mapping
from enum import StrEnum

type Usage = Mapping["Unit", int]
"""How much of each unit; one that is not named was not used."""


class Unit(StrEnum):
    """What providers count, and prices are given for."""

    INPUT_TEXT_TOKENS = "inputTextTokens"
    INPUT_IMAGE_TOKENS = "inputImageTokens"
    CACHED_INPUT_TOKENS = "cachedInputTokens"
    """Tokens of the input that the provider had at hand; they are in neither of the two above."""
    OUTPUT_TEXT_TOKENS = "outputTextTokens"
    """Those that the model thinks with are among them."""
    OUTPUT_IMAGE_TOKENS = "outputImageTokens"
    PICTURES = "pictures"
    CALLS = "calls"


def of_one_call(usage: Usage) -> Usage:
    """The usage, the call itself counted."""
    return {Unit.CALLS: 1, **usage}


def named(usage: Usage) -> dict[str, int]:
    """The same under plain names, as failures carry it."""
    return {str(unit): count for unit, count in usage.items()}


def tokens_of(text: str) -> int:
    """A cautious guess of how many tokens a text is: about one for three characters, of any language."""
    return len(text.encode()) // 3 + 1
