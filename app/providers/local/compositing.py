"""Putting a cut-out object before another background."""

import cv2
import numpy as np

from app.pictures.colours import Colour
from app.providers.local.pixels import Pixels, as_floats, as_uint8, bands

_WORK_PX = 512
_OPAQUE = 250
_RIM = 1 / 1000  # of the longer side: how far inside a lens still mixes colours
_NEAR_PX, _FAR_PX = 1.5, 6.0  # how far, at work size, the object's own colour is looked for


def clean_edges(colours: Pixels, alpha: Pixels) -> None:
    """Give the pixels of the edge the colour of the object beside them, in place: no halo of the old background.

    Opaque pixels right at the edge count as half-transparent: a lens mixes them with what was behind.
    """
    height, width = alpha.shape
    scale = min(1.0, _WORK_PX / max(height, width))
    rim = max(1, round(max(height, width) * _RIM))
    certain = as_uint8(cv2.erode(alpha, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    own = _own_colours(
        as_uint8(cv2.resize(colours, size, interpolation=cv2.INTER_AREA)),
        as_uint8(cv2.resize(certain, size, interpolation=cv2.INTER_AREA)),
    )
    for band in bands(height):
        soft = (alpha[band] > 0) & (certain[band] < _OPAQUE)
        rows, columns = np.nonzero(soft)
        if not rows.size:
            continue
        y = np.minimum((rows + band.start) * size[1] // height, size[1] - 1)
        x = np.minimum(columns * size[0] // width, size[0] - 1)
        share = certain[band][soft].astype(np.float32)[:, None] / 255
        seen = colours[band][soft]
        colours[band][soft] = np.clip(seen * share + own[y, x] * (1 - share) + 0.5, 0, 255).astype(np.uint8)


def _own_colours(small: Pixels, alpha: Pixels) -> Pixels:
    """The object's colours, spread outward over its edge."""
    inside = (alpha >= _OPAQUE).astype(np.float32)
    weighted = small.astype(np.float32) * inside[..., None]
    spread, weight = np.zeros_like(weighted), np.zeros_like(inside)
    for reach, trust in ((_NEAR_PX, 1.0), (_FAR_PX, 0.01)):
        spread += trust * as_floats(cv2.GaussianBlur(weighted, (0, 0), reach))
        weight += trust * as_floats(cv2.GaussianBlur(inside, (0, 0), reach))
    known = weight[..., None] > 1e-5  # noqa: PLR2004 -- beyond both reaches
    return np.where(known, spread / np.maximum(weight, 1e-5)[..., None], small).astype(np.uint8)


def put_on(colours: Pixels, alpha: Pixels, background: Colour) -> None:
    """Blend onto one colour, in place; where `alpha` is 0 the result is exactly that colour."""
    levels = np.arange(255, -1, -1, dtype=np.float32)[:, None, None] / 255
    rest = np.round(levels * np.array(background, np.float32)).astype(np.uint8)  # by alpha: what shines through
    for band in bands(alpha.shape[0]):
        layers = cv2.merge([alpha[band]] * 3)
        behind = cv2.LUT(layers, rest)
        colours[band] = cv2.add(cv2.multiply(colours[band], layers, scale=1 / 255), behind)


def put(colours: Pixels, alpha: Pixels, behind: Colour | Pixels) -> None:
    """Blend onto one colour, or before a picture of the same size, in place."""
    if isinstance(behind, tuple):
        put_on(colours, alpha, behind)
    else:
        put_before(colours, alpha, behind)


def put_before(colours: Pixels, alpha: Pixels, backdrop: Pixels) -> None:
    """Blend before a picture of the same size, in place."""
    for band in bands(alpha.shape[0]):
        layers = cv2.merge([alpha[band]] * 3)
        behind = cv2.multiply(backdrop[band], cv2.bitwise_not(layers), scale=1 / 255)
        colours[band] = cv2.add(cv2.multiply(colours[band], layers, scale=1 / 255), behind)


def covering(backdrop: Pixels, height: int, width: int) -> Pixels:
    """The middle of a picture, resized so that it just covers that many pixels."""
    scale = max(height / backdrop.shape[0], width / backdrop.shape[1])
    rows, columns = round(height / scale), round(width / scale)
    top, left = (backdrop.shape[0] - rows) // 2, (backdrop.shape[1] - columns) // 2
    middle = np.ascontiguousarray(backdrop[top : top + rows, left : left + columns])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return as_uint8(cv2.resize(middle, (width, height), interpolation=how))
