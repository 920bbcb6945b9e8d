"""A small look at a picture before the wishes are applied."""

import cv2
import numpy as np

from app.pictures.colours import Colour
from app.providers.local.compositing import clean_edges, covering, put
from app.providers.local.cutout import Cutout
from app.providers.local.pixels import Pixels, as_uint8, encode
from app.providers.ports.image import Preview

_SIDE_PX = 512
_QUALITY = 80


def preview(
    colours: Pixels, transparency: Pixels | None, cutout: Cutout | None, background: Colour | Pixels | None
) -> Preview:
    """The object on its new background, or the whole picture where none is wanted; 512 pixels a side at most.

    Reduced first and put together then: a twentieth of a second for 12 megapixels. Nothing given is changed.
    """
    small = _reduced(colours)
    if cutout is not None and background is not None:
        alpha = _reduced(cutout.alpha)
        clean_edges(small, alpha)
        put(small, alpha, background if isinstance(background, tuple) else covering(background, *alpha.shape))
        return Preview(*encode(small, quality=_QUALITY))
    return Preview(*encode(small, None if transparency is None else _reduced(transparency), _QUALITY))


def _reduced(pixels: Pixels) -> Pixels:
    """A copy; of a large picture every second, third, ... pixel is enough to average over: four times as fast."""
    height, width = pixels.shape[:2]
    scale = _SIDE_PX / max(height, width)
    if scale >= 1:
        return pixels.copy()
    step = max(1, int(1 / (2 * scale)))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return as_uint8(cv2.resize(np.ascontiguousarray(pixels[::step, ::step]), size, interpolation=cv2.INTER_AREA))
