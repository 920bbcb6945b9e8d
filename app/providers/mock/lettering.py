"""The words of a prompt, set in type, and the label that says what the picture is."""

from PIL import ImageDraw, ImageFont, ImageStat

from app.pictures.colours import Colour
from app.providers.mock.canvas import SIDE_PX, Canvas
from app.providers.mock.palette import luminance

_MARGIN_PX = 64
_WIDEST_PX = SIDE_PX - 2 * _MARGIN_PX
_SIZES_PX = (76, 64, 54, 46, 40)
_LINES = 3
_LEADING = 1.22
_LABEL = "placeholder"
_LABEL_PX = 24
_PALE, _DARK = (255, 255, 255), (18, 18, 24)
_READABLE_ON_DARK = 0.28  # of white: grounds with less light want pale letters


def _type(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("This Pillow was built without FreeType, which the placeholders' letters need.")
    return font


def write_caption(canvas: Canvas, caption: str) -> None:
    """Set the words at the lower left, as large as they fit in three lines, on a ground that is calmed for them."""
    if not caption:
        return
    font, lines = _fitted(caption)
    step = round(font.size * _LEADING)
    top = SIDE_PX - _MARGIN_PX - step * len(lines)
    box = (0, top - step // 2, SIDE_PX, SIDE_PX)
    ink, ground = _ink_on(canvas, box)
    upper = (top - step * 0.2) / SIDE_PX
    canvas.shade(ground, (-0.2, upper, 1.2, 1.4), 0.72, 0.055)
    pen = ImageDraw.Draw(canvas.image)
    for at, line in enumerate(lines):
        pen.text((_MARGIN_PX, top + step * at), line, fill=ink, font=font)


def write_label(canvas: Canvas) -> None:
    """Set “placeholder” on a small plate at the upper right."""
    font = _type(_LABEL_PX)
    width, height = round(font.getlength(_LABEL)) + 36, 46
    left, top = SIDE_PX - _MARGIN_PX // 2 - width, _MARGIN_PX // 2
    ink, ground = _ink_on(canvas, (left, top, left + width, top + height))
    canvas.plate(ground, (left / SIDE_PX, top / SIDE_PX, (left + width) / SIDE_PX, (top + height) / SIDE_PX), 0.6)
    ImageDraw.Draw(canvas.image).text((left + width / 2, top + height / 2), _LABEL, fill=ink, font=font, anchor="mm")


def _ink_on(canvas: Canvas, box: tuple[int, int, int, int]) -> tuple[Colour, Colour]:
    """The letters' colour for a part of the sheet, and the one to calm it with."""
    red, green, blue = ImageStat.Stat(canvas.image.crop(box)).mean
    light = luminance((round(red), round(green), round(blue)))
    return (_PALE, _DARK) if light < _READABLE_ON_DARK else (_DARK, _PALE)


def _fitted(caption: str) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    for size_px in _SIZES_PX:
        font = _type(size_px)
        lines = _lines(caption, font)
        if len(lines) <= _LINES:
            return font, _balanced(caption, font, lines)
    smallest = _type(_SIZES_PX[-1])
    return smallest, _lines(caption, smallest)[:_LINES]


def _balanced(caption: str, font: ImageFont.FreeTypeFont, lines: list[str]) -> list[str]:
    """As many lines, but no last one of a single short word where that can be."""
    for narrower in range(_WIDEST_PX - 40, _WIDEST_PX // 2, -40):
        tried = _lines(caption, font, narrower)
        if len(tried) > len(lines):
            break
        lines = tried
    return lines


def _lines(caption: str, font: ImageFont.FreeTypeFont, widest: int = _WIDEST_PX) -> list[str]:
    """The words in lines that fit; one that is longer than a line is broken."""
    lines: list[str] = []
    line = ""
    for word in caption.split():
        while font.getlength(word) > widest:
            fits = next(n for n in range(len(word), 0, -1) if font.getlength(word[:n]) <= widest)
            lines, line, word = [*lines, *([line] if line else []), word[:fits]], "", word[fits:]  # noqa: PLW2901 - the rest
        joined = f"{line} {word}".strip()
        if font.getlength(joined) <= widest:
            line = joined
        else:
            lines, line = [*lines, line], word
    return [*lines, line] if line else lines
