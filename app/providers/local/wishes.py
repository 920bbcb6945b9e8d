"""What a user's wish asks for, in so far as plain image processing can do it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.pictures.colours import Colour, find_colour


class Quality(StrEnum):
    """What of a picture can be changed."""

    BRIGHTNESS = "brightness"
    CONTRAST = "contrast"
    VIBRANCE = "vibrance"
    WARMTH = "warmth"
    SHARPNESS = "sharpness"
    SHINE = "shine"
    METAL = "metal"
    GREYSCALE = "greyscale"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One change.

    `amount` is 1 for the plain word, less for "slightly", more for "much", negative for the opposite; `words`
    says it to people. `detail` is the metal or the background's colour in words, `colour` that colour.
    """

    quality: Quality
    amount: float
    words: str
    detail: str = ""
    colour: Colour | None = None


_SCALES: dict[Quality, tuple[str, str]] = {
    # The words for more of it, and for less.
    Quality.BRIGHTNESS: (
        "bright brighter brighten brightness lighter lighten exposure luminous",
        "dark darker darken dim dimmer gloomy",
    ),
    Quality.CONTRAST: ("contrast contrasty punchy dramatic", "flat flatter"),
    Quality.VIBRANCE: (
        "vibrant vibrance vivid colourful colorful saturated saturation saturate rich richer",
        "muted desaturated desaturate pale paler faded pastel",
    ),
    Quality.WARMTH: ("warm warmer warmth", "cool cooler cold colder"),
    Quality.SHARPNESS: (
        "sharp sharper sharpen sharpness crisp crisper detail detailed",
        "soft softer soften softness blur blurry blurred smooth smoother",
    ),
    Quality.SHINE: (
        "shine shiny shinier shining sparkle sparkly sparkling glitter gleam glow glowing glossy polished lustre",
        "matte matt dull duller",
    ),
}
_WORDS: dict[Quality, tuple[str, str]] = {
    Quality.BRIGHTNESS: ("brighter", "darker"),
    Quality.CONTRAST: ("more contrast", "less contrast"),
    Quality.VIBRANCE: ("more vibrant", "less vibrant"),
    Quality.WARMTH: ("warmer", "cooler"),
    Quality.SHARPNESS: ("sharper", "softer"),
    Quality.SHINE: ("more shine", "less shine"),
}
_TERMS: dict[str, tuple[Quality, int]] = {
    word: (quality, sign)
    for quality, scale in _SCALES.items()
    for sign, words in zip((1, -1), scale, strict=True)
    for word in words.split()
}
_METALS = {
    "gold": "gold",
    "golden": "gold",
    "silver": "silver",
    "silvery": "silver",
    "platinum": "silver",
    "rose-gold": "rose gold",
    "copper": "copper",
    "bronze": "copper",
}
_GREYSCALE = {"black-white", "greyscale", "grayscale", "monochrome", "b&w"}
_SOMEWHAT = {"slightly", "slight", "little", "bit", "touch", "tad", "somewhat", "subtle", "subtly", "gently", "hint"}
_GREATLY = {"much", "very", "lot", "really", "far", "way", "strongly", "super", "extra", "significantly", "extremely"}
_STRENGTH = {**dict.fromkeys(_SOMEWHAT, 0.5), **dict.fromkeys(_GREATLY, 1.6)}
_LESS = {"less", "reduce", "reduced", "lower", "decrease", "lessen", "fewer", "too"}
_NOT = {"not", "don't", "dont", "never", "no", "without", "isn't", "avoid"}
_SO = {"so", "too", "that", "as", "overly", "quite", "very"}

_JOINED = (
    (re.compile(r"\brose[\s-]+gold(en)?\b"), "rose-gold"),
    (re.compile(r"\bblack (and|&) white\b"), "black-white"),
)
_WORD = re.compile(r"#[0-9a-f]+|[a-z][a-z'&-]*")
_CLAUSE = re.compile(r"[.,;!?\n]+|\b(?:and|but|then|plus)\b")
_BACKGROUND = {"background", "backdrop"}
_BEFORE = {"on", "onto", "against", "before", "with", "over"}
_LINK = {"colour", "color", "to", "in", "of", "as", "is", "be", "a", "an", "the", "with", "should", "into", "plain"}
_COLOUR_WORDS = (3, 2, 1)  # "light golden yellow" has three: the longest name that fits is meant


def understand(wish: str) -> tuple[Adjustment, ...]:
    """The adjustments a wish asks for, in its order; none when nothing of it is understood.

    Unknown words are ignored. "Not gold" asks for nothing, "not so warm" and "too warm" for cooler.
    """
    text = wish.lower().replace("’", "'")  # noqa: RUF001 -- the apostrophe that phones type
    for pattern, joined in _JOINED:
        text = pattern.sub(joined, text)
    found: list[Adjustment] = []
    for clause in _CLAUSE.split(text):
        words = _WORD.findall(clause)
        background, rest = _split_background(words)
        found.extend(_terms(rest))
        if background is not None and not _NOT & set(words):
            found.append(background)
    return tuple(found)


def _split_background(words: list[str]) -> tuple[Adjustment | None, list[str]]:
    """The background's new colour where a clause names one, and the words that are not about the background.

    What stands before "background" up to an "on" or "with" describes it, and is none of the object's.
    """
    at = next((place for place, word in enumerate(words) if word in _BACKGROUND), None)
    if at is None:
        return _ground_at_end(words)
    start = max((place for place in range(at) if words[place] in _BEFORE), default=0)
    for length in _COLOUR_WORDS:
        if named := _background(words[max(start, at - length) : at]):
            return named, words[:start] + words[at + 1 :]
    after = at + 1
    while after < len(words) and words[after] in _LINK:
        after += 1
    for length in _COLOUR_WORDS:
        if named := _background(words[after : after + length]):
            return named, words[:start] + words[after + length :]
    return None, words[:start] + words[after:]


def _ground_at_end(words: list[str]) -> tuple[Adjustment | None, list[str]]:
    """The same for a clause that ends in "on white" or "against navy"."""
    for length in _COLOUR_WORDS:
        before, colour = [word for word in words[:-length] if word not in {"a", "an"}], words[-length:]
        if before and before[-1] in {"on", "onto", "against"} and (named := _background(colour)):
            return named, before[:-1]
    return None, words


def _background(words: list[str]) -> Adjustment | None:
    name = " ".join(words).replace("rose-gold", "rose gold")
    colour = find_colour(name)
    return colour and Adjustment(Quality.BACKGROUND, 1.0, f"{name} background", name, colour)


def _terms(words: list[str]) -> Iterator[Adjustment]:
    """One adjustment a known word, with the strength and the direction that the words before it give."""
    strength, sign, negated = 1.0, 1, False
    for place, word in enumerate(words):
        if word in _NOT:
            softened = place + 1 < len(words) and words[place + 1] in _SO
            strength, sign, negated = (0.5, -1, False) if softened else (strength, sign, True)
        elif word in _LESS:
            sign = -1
        elif word in _STRENGTH:
            strength = min(strength, _STRENGTH[word]) if sign < 0 and strength < 1 else _STRENGTH[word]
        else:
            adjustment = _adjustment(word, strength, sign)
            if adjustment is None and not _is_term(word):
                continue
            if adjustment is not None and not negated:
                yield adjustment
            strength, sign, negated = 1.0, 1, False


def _is_term(word: str) -> bool:
    return word in _TERMS or word in _METALS or word in _GREYSCALE


def _adjustment(word: str, strength: float, sign: int) -> Adjustment | None:
    how = {0.5: "slightly ", 1.6: "much "}.get(strength, "")
    if word in _TERMS:
        quality, direction = _TERMS[word]
        words = _WORDS[quality][0 if sign * direction > 0 else 1]
        return Adjustment(quality, strength * sign * direction, how + words)
    if sign < 0:
        return None  # there is no less of a metal, or of black and white
    if metal := _METALS.get(word):
        return Adjustment(Quality.METAL, strength, f"{how.replace('much', 'strong')}{metal} tone", metal)
    return Adjustment(Quality.GREYSCALE, 1.0, "black and white") if word in _GREYSCALE else None
