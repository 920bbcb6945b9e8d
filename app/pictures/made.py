"""A look at a picture that a model made: checked and described, its bytes left exactly as they are."""

import hashlib
import io

from PIL import Image, UnidentifiedImageError

from app.errors import AppError, ErrorCode
from app.pictures.intake import MAX_PIXELS, AcceptedPicture
from app.pictures.rendition import reduced, thumbhash_of

_PREVIEW_SIDES_PX = (512, 384, 256, 128)
_PREVIEW_BYTES = 100_000
_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def describe(data: bytes) -> AcceptedPicture:
    """Describe a made picture without writing it anew: a provider's signed provenance stays whole.

    Raises:
        AppError: NO_IMAGE_RETURNED, retryable, when the bytes are no whole JPEG, PNG or WEBP.
    """
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_FORMATS)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _unusable("it is too large")
            media_type = _FORMATS[image.format or "JPEG"]
            width, height = image.size
            image.draft("RGB", (512, 512))
            image.load()
            thumbhash = thumbhash_of(image)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise _unusable("it can't be read") from error
    return AcceptedPicture(
        data=data,
        media_type=media_type,
        width=width,
        height=height,
        sha256=hashlib.sha256(data).hexdigest(),
        thumbhash=thumbhash,
    )


def describe_preview(data: bytes) -> AcceptedPicture:
    """Describe a look at unfinished work: at most 512 pixels a side and 100 KB, encoded anew where it has more.

    Blocks for as long as decoding takes: call it in a thread.

    Raises:
        AppError: NO_IMAGE_RETURNED, retryable, when the bytes are no whole JPEG, PNG or WEBP.
    """
    described = describe(data)
    for side in _PREVIEW_SIDES_PX:
        if len(described.data) <= _PREVIEW_BYTES and max(described.width, described.height) <= _PREVIEW_SIDES_PX[0]:
            break
        described = describe(reduced(data, side))
    return described


def _unusable(why: str) -> AppError:
    return AppError(ErrorCode.NO_IMAGE_RETURNED, f"The model returned a picture, but {why}.", retryable=True)
