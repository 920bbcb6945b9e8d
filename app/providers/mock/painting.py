"""How a placeholder is composed of a request."""

import io

from PIL import Image, ImageFilter

from app.providers.mock import frames, lettering
from app.providers.mock.canvas import Canvas
from app.providers.mock.dice import Dice
from app.providers.mock.palette import mixed, palette_of
from app.providers.mock.scene import scene_of
from app.providers.mock.words import read
from app.providers.ports.image import ImageRequest

_QUALITY, _METHOD = 88, 1  # at WEBP's method 1 a sheet takes a twentieth of a second
_PREVIEW_PX = 512
_GRAINS_PX = (10, 28, 72)  # how many pixels wide a preview is before it is smoothed: coarse first

_SMOOTHING = ImageFilter.GaussianBlur(3)


def paint(request: ImageRequest) -> Image.Image:
    """The placeholder of a request; blocks for about a tenth of a second.

    The user's own words are what counts where the request tells them apart, else the prompt is.

    Raises:
        AppError: SOURCE_IMAGE_MISSING when a reference can't be read.
    """
    pictures = [frames.thumbnail(reference) for reference in request.references]
    words = read(". ".join(wish.strip().rstrip(".") for wish in request.wishes if wish.strip()) or request.prompt)
    dice = Dice.of(request.task.encode(), request.prompt.encode(errors="replace"), *_texts(request))
    palette = palette_of(words if words.colours or request.background is None else read(request.background), dice)
    canvas = Canvas.graded(palette.top, mixed(palette.top, palette.horizon, 0.6), palette.horizon)
    for motif in scene_of(words, palette, dice, with_pictures=bool(pictures)):
        motif(canvas, palette, dice)
    frames.hang(canvas, pictures, dice)
    lettering.write_caption(canvas, words.caption)
    lettering.write_label(canvas)
    return canvas.image


def previews(picture: Image.Image, count: int) -> list[tuple[bytes, str]]:
    """Looks at the picture as if it were still being made, coarse first: encoded bytes and media type."""
    wanted = _GRAINS_PX[len(_GRAINS_PX) - min(count, len(_GRAINS_PX)) :]
    side = (_PREVIEW_PX, _PREVIEW_PX)
    return [
        encode(picture.resize((grain, grain), Image.Resampling.BOX).resize(side).filter(_SMOOTHING)) for grain in wanted
    ]


def encode(picture: Image.Image) -> tuple[bytes, str]:
    """Encoded bytes and media type."""
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=_QUALITY, method=_METHOD)
    return out.getvalue(), "image/webp"


def _texts(request: ImageRequest) -> list[bytes]:
    """All else of a request that makes it another one."""
    said = [*request.wishes, request.background or "", *([str(request.variation)] if request.variation else [])]
    return [*(one.encode(errors="replace") for one in said), *(reference.data for reference in request.references)]
