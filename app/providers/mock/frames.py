"""Reference pictures, shown in frames on a placeholder."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from PIL import Image, ImageDraw, ImageFilter

from app.errors import AppError, ErrorCode
from app.providers.mock.canvas import SIDE_PX, Canvas
from app.providers.mock.dice import Dice
from app.providers.ports.model import Reference

_READABLE = ("JPEG", "PNG", "WEBP")
_BORDER, _CORNER = 0.045, 0.03  # of a frame's longer side
_PAPER = (252, 251, 248)


@dataclass(frozen=True, slots=True)
class _Place:
    """Middle, and the longer side, in shares of the sheet."""

    x: float
    y: float
    side: float


_PLACES: Mapping[int, tuple[_Place, ...]] = MappingProxyType(
    {
        1: (_Place(0.5, 0.39, 0.52),),
        2: (_Place(0.3, 0.36, 0.4), _Place(0.69, 0.43, 0.4)),
        3: (_Place(0.23, 0.38, 0.33), _Place(0.77, 0.37, 0.33), _Place(0.5, 0.43, 0.36)),
        4: (_Place(0.27, 0.25, 0.31), _Place(0.66, 0.22, 0.31), _Place(0.33, 0.54, 0.31), _Place(0.72, 0.52, 0.31)),
    }
)
"""By how many are shown; later ones lie on top."""


def thumbnail(reference: Reference) -> Image.Image:
    """A reference at the size that the largest frame takes at most; what is transparent becomes paper.

    Raises:
        AppError: SOURCE_IMAGE_MISSING when the bytes are no picture.
    """
    side = round(_PLACES[1][0].side * SIDE_PX)
    try:
        with Image.open(io.BytesIO(reference.data), formats=_READABLE) as image:
            image.draft("RGB", (side, side))  # a JPEG is decoded at half, a quarter or an eighth where that suffices
            pixels = image.convert("RGBA" if image.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = "The reference picture can't be read. Upload it again."
        raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, message) from error
    pixels.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    if pixels.mode == "RGB":
        return pixels
    ground = Image.new("RGBA", pixels.size, _PAPER)
    ground.alpha_composite(pixels)
    return ground.convert("RGB")


def hang(canvas: Canvas, pictures: list[Image.Image], dice: Dice) -> None:
    """Show up to four pictures in frames, a little askew, with a shadow."""
    shown = pictures[: max(_PLACES)]
    for picture, place in zip(shown, _PLACES[len(shown)] if shown else (), strict=True):
        _paste(canvas, _framed(picture, round(place.side * SIDE_PX)), place, dice.between(-4, 4))


def _framed(picture: Image.Image, side_px: int) -> Image.Image:
    """In a frame of paper with round corners; the longer side of all of it is `side_px`."""
    border = round(side_px * _BORDER)
    scale = (side_px - 2 * border) / max(picture.size)
    inner = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    frame = Image.new("RGBA", (inner[0] + 2 * border, inner[1] + 2 * border), (*_PAPER, 0))
    corner = round(side_px * _CORNER)
    ImageDraw.Draw(frame).rounded_rectangle((0, 0, frame.width - 1, frame.height - 1), corner, fill=(*_PAPER, 255))
    frame.paste(picture.resize(inner, Image.Resampling.BICUBIC), (border, border))
    return frame


def _paste(canvas: Canvas, frame: Image.Image, place: _Place, degrees: float) -> None:
    turned = frame.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    left, top = round(place.x * SIDE_PX - turned.width / 2), round(place.y * SIDE_PX - turned.height / 2)
    shadow = Image.new("L", (SIDE_PX // 4, SIDE_PX // 4))
    small = turned.getchannel("A").resize((turned.width // 4 + 1, turned.height // 4 + 1))
    shadow.paste(small.point([level // 2 for level in range(256)]), (left // 4, top // 4 + 5))
    shadow = shadow.filter(ImageFilter.GaussianBlur(6)).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    canvas.image.paste((8, 8, 16), (0, 0), shadow)
    canvas.image.paste(turned, (left, top), turned)
