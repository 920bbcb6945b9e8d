"""The colours of a placeholder."""

import colorsys
from dataclasses import dataclass

from PIL import ImageColor

from app.pictures.colours import Colour
from app.providers.mock.dice import Dice
from app.providers.mock.words import Words

_GREY = 20  # from the darkest to the brightest of red, green and blue: less is no hue
_LOUDEST = 0.75  # of saturation
_DEEP, _PALE = 0.32, 0.8  # of lightness


@dataclass(frozen=True, slots=True)
class Palette:
    """Five colours: the ground's upper and lower end, what shines, and shapes far away and close by."""

    top: Colour
    horizon: Colour
    light: Colour
    far: Colour
    near: Colour

    @property
    def is_dark(self) -> bool:
        """Whether it is night."""
        return luminance(self.top) < 0.12  # noqa: PLR2004 - of white


def _palette(colours: str) -> Palette:
    return Palette(*(_rgb(f"#{one}") for one in colours.split()))


def _rgb(written: str) -> Colour:
    red, green, blue, *_ = ImageColor.getrgb(written)
    return red, green, blue


_DUSK, _DAWN = _palette("2b2d5b f08a7a ffe3b0 7a4a78 241a3d"), _palette("7fa6d9 fbd9c4 fff6e0 c58fa0 4b3b63")
_NIGHT, _SEA = _palette("0b1030 33407f f4f1d8 2a3468 0a0d24"), _palette("3f8fc4 d5f0ee fffbe6 2f86a6 0e3a5c")
_WOOD, _SAND = _palette("86b9a0 eef3d0 fff7cf 5b8f6b 183a2c"), _palette("e3a15f fbe6bd fff6dc c9794a 5a2b22")
_SNOW, _FIRE = _palette("8fb0d4 f2f7fb ffffff a9c0d8 3d5878"), _palette("3a1027 e9572f ffd27a 9c2a36 230a1c")
_SPRING, _MIST = _palette("9fd3d6 fdeef0 fffbe8 e59ab0 5c4a78"), _palette("a9b4bd eceae4 fffaf0 8b98a1 3a474f")
_TROPIC = _palette("1f9c98 ffe0a3 fff3c9 f2746b 123f52")
_ANY = (_DUSK, _DAWN, _NIGHT, _SEA, _WOOD, _SAND, _SNOW, _SPRING, _MIST, _TROPIC)

_MOODS: tuple[tuple[Palette, frozenset[str]], ...] = tuple(
    (palette, frozenset(words.split()))
    for palette, words in (
        (_DUSK, "sunset dusk evening twilight romantic mystery mysterious magic magical fantasy castle"),
        (_NIGHT, "night midnight star stars moon space galaxy dark sleep fear afraid nightmare ghost"),
        (_DAWN, "dawn morning sunrise calm peaceful gentle hope tender love wedding baby"),
        (_FIRE, "fire flame flames burning lava volcano anger angry war dragon rage hot"),
        (_SNOW, "snow winter ice cold frost frozen arctic glacier mountain mountains cool"),
        (_SPRING, "spring flower flowers rose roses bloom blooming blossom happy joy cheerful bright brighter"),
        (_SAND, "desert sand dune dunes autumn warm camel egypt honey earth canyon horse"),
        (_WOOD, "forest tree trees wood woods jungle garden nature leaf leaves grass meadow path park"),
        (_TROPIC, "beach tropical island palm holiday vibrant vivid party carnival retro"),
        (_SEA, "sea ocean water wave waves river lake swim swimming boat ship fish fresh sky fly flying summer"),
        (_MIST, "mist misty fog rain sad melancholy city street minimal modern stone old lost grief alone lonely"),
    )
)
"""The first whose words are met counts: the time of day and the weather before the place."""


def palette_of(words: Words, dice: Dice) -> Palette:
    """The palette of the colours that are named, else of the mood, else one by chance."""
    if words.colours:
        main, *others = words.colours
        return _around(main, others[0] if others else None)
    mood = next((palette for palette, named in _MOODS if not named.isdisjoint(words.each)), None)
    return mood or dice.one_of(_ANY)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1, as WCAG 2 defines it."""
    linear = [v / 12.92 if (v := level / 255) <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for level in colour]  # noqa: PLR2004 - sRGB's own figure
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _around(main: Colour, other: Colour | None) -> Palette:
    """A palette in which the main colour covers the most; the other one is what shines and what is far away."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(level / 255 for level in main))
    if max(main) - min(main) < _GREY:
        hue, saturation = 0.6, min(0.1, saturation)  # a breath of blue
    saturation = min(_LOUDEST, saturation)
    tint = min(0.55, saturation)
    if lightness < _DEEP:
        horizon, light = _hls(hue + 0.03, min(0.62, lightness + 0.3), tint), _hls(hue + 0.08, 0.88, tint)
    else:
        horizon, light = _hls(hue + 0.04, max(0.88, lightness), tint), _hls(hue + 0.08, 0.95, tint)
    top = _hls(hue, max(0.08, min(_PALE, lightness)), saturation)
    far = mixed(top, _hls(hue - 0.04, 0.3, tint), 0.45)
    near = _hls(hue - 0.06, 0.13, max(0.1, tint * 0.9))
    if other is not None:
        return Palette(top, mixed(horizon, other, 0.35), mixed(light, other, 0.45), mixed(far, other, 0.6), near)
    return Palette(top, horizon, light, far, near)


def _hls(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = (round(255 * level) for level in colorsys.hls_to_rgb(hue % 1, lightness, saturation))
    return red, green, blue
