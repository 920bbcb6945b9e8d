"""Measures how far two pictures are apart, with OpenCV and NumPy: import it late, for they take 50 MB."""

import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from app.errors import AppError, ErrorCode
from app.pictures.difference import Box, Difference

_READABLE = ("JPEG", "PNG", "WEBP")
_SHOWN_PX = 1024
_MEASURED_PX = 256  # noise and the traces of an encoder are gone at this size, shapes and colours are not
_SIGMA = 1.5  # of the window that structural similarity looks through
_STABLE = (0.03 * 255) ** 2  # its second constant: contrast below it is no structure
_FURTHEST = 100.0  # black from white, in CIELAB
_SEEN = 8.0  # a difference of colour that nobody overlooks; 2.3 is just noticeable side by side
_UNLIKE = 0.5
_FADED = 0.35
_MARK = (230, 0, 126)  # a magenta: no metal and hardly a stone has it
_QUALITY = 82

type Floats = npt.NDArray[np.float32]
type Pixels = npt.NDArray[np.uint8]


def difference(older: bytes, newer: bytes) -> Difference:
    """Compare two stored pictures; the older one is stretched to the shape of the newer where they differ.

    Transparency counts as white. Blocks for as long as decoding takes: call it in a thread. The same arguments give
    the same bytes.

    Raises:
        AppError: SOURCE_IMAGE_MISSING when the bytes of one are no picture.
    """
    shown, first = _decoded(newer), _decoded(older)
    size = _size(shown.shape[1], shown.shape[0], min(_MEASURED_PX, max(first.shape[:2])))
    before, after = _reduced(first, size), _reduced(shown, size)
    unlike, apart = _structure(before, after), _colour(before, after)
    mask = _mask(unlike, apart)
    changed = float(mask.mean())
    return Difference(
        structure=_rounded(unlike),
        colour=_rounded(apart / _FURTHEST),
        changed=round(changed, 4),
        box=_box(mask) if changed else None,
        marked=_marked(shown, mask) if changed else None,
    )


def _decoded(data: bytes) -> Pixels:
    """Its colours on white, 1024 pixels a side at most."""
    try:
        with Image.open(io.BytesIO(data), formats=_READABLE) as image:
            size = _size(image.width, image.height, _SHOWN_PX)
            image.draft("RGB", size)  # a JPEG is decoded at half, a quarter or an eighth where that suffices
            pixels = image.convert("RGBA" if image.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = "One of the pictures can't be read any more."
        raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, message) from error
    if pixels.size != size:
        pixels = pixels.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if pixels.mode == "RGBA":
        ground = Image.new("RGBA", size, "white")
        ground.alpha_composite(pixels)
        pixels = ground.convert("RGB")
    return np.array(pixels, dtype=np.uint8)


def _size(width: int, height: int, side: int) -> tuple[int, int]:
    scale = min(1, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _reduced(pixels: Pixels, size: tuple[int, int]) -> Floats:
    """CIELAB at that size."""
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return _floats(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def _structure(before: Floats, after: Floats) -> Floats:
    """How unlike the surroundings of each pixel are, 0 to 1."""
    light, lit = (_floats(one[..., 0] * 2.55) for one in (before, after))
    mean_a, mean_b = _blurred(light), _blurred(lit)
    spread = _blurred(light * light) - mean_a * mean_a + _blurred(lit * lit) - mean_b * mean_b
    common = _blurred(light * lit) - mean_a * mean_b
    return _floats(np.clip(1 - (2 * common + _STABLE) / (np.maximum(spread, 0) + _STABLE), 0, 1))


def _colour(before: Floats, after: Floats) -> Floats:
    """How far the colours around each pixel are apart, 0 to 100."""
    apart = np.linalg.norm(_blurred(before) - _blurred(after), axis=2)
    return _floats(np.clip(apart, 0, _FURTHEST))


def _mask(unlike: Floats, apart: Floats) -> Pixels:
    """1 where something has changed; specks are left out, and holes of a few pixels closed."""
    seen = ((apart > _SEEN) | (unlike > _UNLIKE)).astype(np.uint8)
    block = np.ones((3, 3), np.uint8)
    opened = cv2.morphologyEx(seen, cv2.MORPH_OPEN, block)
    return cv2.morphologyEx(opened, cv2.MORPH_CLOSE, block, iterations=2).astype(np.uint8)


def _box(mask: Pixels) -> Box:
    height, width = mask.shape
    left, top, wide, high = cv2.boundingRect(mask)
    return Box(left / width, top / height, wide / width, high / height)


def _marked(shown: Pixels, mask: Pixels) -> bytes:
    height, width = shown.shape[:2]
    whole = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    faded = cv2.addWeighted(grey, _FADED, np.full_like(grey, 255), 1 - _FADED, 0)
    drawn = np.where(whole[..., None] > 0, shown, faded)
    outlines, _ = cv2.findContours(whole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(drawn, outlines, -1, _MARK, max(1, max(width, height) // 256))
    out = io.BytesIO()
    Image.fromarray(drawn).save(out, "WEBP", quality=_QUALITY, method=2)
    return out.getvalue()


def _blurred(values: Floats) -> Floats:
    return _floats(cv2.GaussianBlur(values, (11, 11), _SIGMA))


def _floats(values: npt.NDArray[np.floating] | cv2.typing.MatLike) -> Floats:
    return values.astype(np.float32, copy=False)


def _rounded(values: Floats) -> float:
    return round(float(np.mean(values)), 4)
