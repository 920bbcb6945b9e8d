"""Decoded pictures: how they come out of encoded bytes and go back into them."""

import io
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from app.errors import AppError, ErrorCode

type Pixels = npt.NDArray[np.uint8]
"""Height x width x 3 in RGB, or height x width for one channel; 0 to 255."""
type Floats = npt.NDArray[np.float32]

_READABLE = ("JPEG", "PNG", "WEBP")
_BAND_ROWS = 256  # numpy holds the interpreter's lock: a band of a 4000-pixel row takes it for a few milliseconds


def bands(height: int) -> Iterator[slice]:
    """Slices of rows that cover a picture from top to bottom, small enough to work on in floats."""
    for top in range(0, height, _BAND_ROWS):
        yield slice(top, min(top + _BAND_ROWS, height))


def as_uint8(matrix: cv2.typing.MatLike) -> Pixels:
    """An OpenCV result known to be of bytes, typed as such; nothing is copied."""
    return matrix.astype(np.uint8, copy=False)


def as_floats(matrix: cv2.typing.MatLike) -> Floats:
    """An OpenCV result known to be of 32-bit floats, typed as such; nothing is copied."""
    return matrix.astype(np.float32, copy=False)


def decode(data: bytes) -> tuple[Pixels, Pixels | None]:
    """The colours of an accepted picture, and its transparency (255 is opaque) where it has any.

    Raises:
        AppError: SOURCE_IMAGE_MISSING when the stored bytes are no picture.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_READABLE) as image:
            if not image.has_transparency_data:
                return np.array(image.convert("RGB"), dtype=np.uint8), None
            layers = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = "The source picture can't be read. Upload it again."
        raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, message) from error
    return np.array(layers.convert("RGB"), dtype=np.uint8), np.array(layers.getchannel("A"), dtype=np.uint8)


def encode(colours: Pixels, alpha: Pixels | None = None, quality: int = 92) -> tuple[bytes, str]:
    """The encoded picture and its media type: JPEG, or WEBP when there is transparency to keep.

    `quality` is 1 to 100, as both formats have it.
    """
    if alpha is not None:
        blue_first = cv2.cvtColor(colours, cv2.COLOR_RGB2BGR)  # OpenCV's encoder never holds the interpreter's lock
        encoded = cv2.imencode(".webp", cv2.merge([blue_first, alpha]), [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
        return encoded.tobytes(), "image/webp"
    out = io.BytesIO()
    Image.fromarray(colours).save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue(), "image/jpeg"
