"""Pictures that look like something and say what they were made from."""

import colorsys
import hashlib
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter, ImageFont

_SOFT_PX = 192
_BLOBS, _RINGS = 7, 3
_COARSEST_PX = 6
_WHITE, _SHADE = (255, 255, 255), (12, 14, 24)

type Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Motif:
    """What a picture is of: `seed` decides on shapes and colours, the words stand on it."""

    seed: str
    title: str
    lines: tuple[str, ...]


def paint(motif: Motif, width: int, height: int) -> Image.Image:
    """The finished picture, of exactly that size in pixels; always the same for the same motif."""
    chance = random.Random(hashlib.sha256(motif.seed.encode()).digest())  # noqa: S311 - shapes, no secrets
    palette = _palette(chance)
    picture = _background(chance, palette, width, height)
    _draw_rings(picture, chance, palette)
    _write(picture, motif)
    return picture


def unfinished(picture: Image.Image, step: int) -> Image.Image:
    """The picture at an earlier time: a few coarse patches at step 0, clearer with every step."""
    scale = (_COARSEST_PX << step) / min(picture.size)
    if scale >= 1:
        return picture
    small = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BICUBIC)


def _palette(chance: random.Random) -> list[Colour]:
    """Five colours that go together: neighbours on the wheel and one from across."""
    hue = chance.random()
    hues = [hue, hue + 0.06, hue + 0.13, hue - 0.08, hue + 0.5]
    tones = [(0.62, 0.30), (0.58, 0.55), (0.50, 0.80), (0.66, 0.42), (0.55, 0.92)]
    made = [colorsys.hsv_to_rgb(one % 1, *tone) for one, tone in zip(hues, tones, strict=True)]
    return [(round(red * 255), round(green * 255), round(blue * 255)) for red, green, blue in made]


def _background(chance: random.Random, palette: list[Colour], width: int, height: int) -> Image.Image:
    """Soft light: painted small, since blur has no detail."""
    scale = _SOFT_PX / max(width, height)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    soft = Image.new("RGB", size, palette[0])
    draw = ImageDraw.Draw(soft)
    for number in range(_BLOBS):
        radius = chance.uniform(0.18, 0.45) * _SOFT_PX
        x, y = chance.uniform(0, size[0]), chance.uniform(0, size[1])
        colour = palette[1 + number % (len(palette) - 1)]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return soft.filter(ImageFilter.GaussianBlur(_SOFT_PX / 9)).resize((width, height), Image.Resampling.BICUBIC)


def _draw_rings(picture: Image.Image, chance: random.Random, palette: list[Colour]) -> None:
    """A few thin rings, each with a pearl on it, so that edges show how sharp the picture is."""
    draw = ImageDraw.Draw(picture)
    side = min(picture.size)
    for number in range(_RINGS):
        radius = side * (0.20 + 0.09 * number)
        x = picture.width * chance.uniform(0.35, 0.65)
        y = picture.height * chance.uniform(0.30, 0.50)
        line = max(1, side // 160)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=palette[2], width=line)
        pearl = side * 0.018 * (number + 1)
        draw.ellipse((x + radius - pearl, y - pearl, x + radius + pearl, y + pearl), fill=palette[4])


def _write(picture: Image.Image, motif: Motif) -> None:
    """The title large in the middle, the lines below it, each on a soft shade that keeps it readable."""
    draw = ImageDraw.Draw(picture)
    side, middle = min(picture.size), picture.width / 2
    rows = [(motif.title, side * 0.13), *((line, side * 0.045) for line in motif.lines)]
    y = picture.height * 0.52
    for words, size in rows:
        font = ImageFont.load_default(max(6, size))
        for offset, colour in ((max(1, side / 220), _SHADE), (0, _WHITE)):
            draw.text((middle + offset, y + offset), words, fill=colour, font=font, anchor="mm")
        y += size * 0.5 + side * 0.055
