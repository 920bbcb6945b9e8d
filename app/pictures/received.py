"""A look at a picture that another server kept: checked like an upload, its bytes left exactly as they are."""

import hashlib
from typing import Final

from app.errors import bad_input
from app.pictures.intake import AcceptedPicture, opened
from app.pictures.rendition import thumbhash_of

MAX_BYTES: Final = 50 * 1024 * 1024
"""More than of an upload: models make larger files than people send."""
_STORED = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def describe_received(data: bytes) -> AcceptedPicture:
    """Check a picture and describe it without writing it anew: a provider's signed provenance stays whole.

    All of it is decoded once, so that what decodes it later meets no surprise. Blocks for as long as that takes: call
    it in a thread.

    Raises:
        AppError: BAD_USER_INPUT when it is too large, animated, damaged, or no JPEG, PNG or WEBP.
    """
    with opened(data, MAX_BYTES) as (kind, image):
        if kind not in _STORED:
            raise bad_input(f"The picture is {kind}; servers keep JPEG, PNG and WEBP.")
        image.load()
        width, height = image.size
        thumbhash = thumbhash_of(image)
    return AcceptedPicture(
        data=data,
        media_type=_STORED[kind],
        width=width,
        height=height,
        sha256=hashlib.sha256(data).hexdigest(),
        thumbhash=thumbhash,
    )
