"""Pictures made from stored ones: smaller copies for delivery, and placeholders of a few bytes."""

import base64
import io

import thumbhash  # type: ignore[import-untyped] # pyright: ignore[reportMissingTypeStubs] -- it ships no types
from PIL import Image, ImageFile

from app.errors import bad_input

_READABLE = ("JPEG", "PNG", "WEBP")
_WEBP_QUALITY = 82
_WEBP_METHOD = 2  # 0 is fastest, 6 is smallest: at 2 a 1600-pixel copy takes a tenth of a second
_PLACEHOLDER_PX = 40  # a thumbhash keeps 7 waves a side; more pixels cost time and change nothing


def rendition(data: bytes, width: int) -> bytes:
    """A WEBP of an accepted picture, `width` pixels wide, or as wide as the picture where that is less.

    Blocks for as long as decoding takes: call it in a thread. The same arguments give the same bytes.

    Raises:
        AppError: BAD_USER_INPUT when `width` is below 1.
    """
    if width < 1:
        raise bad_input(f"A width of {width} is impossible. Ask for 1 pixel or more.", "width")
    with Image.open(io.BytesIO(data), formats=_READABLE) as image:
        return _webp(image, min(1, width / image.width))


def reduced(data: bytes, side: int) -> bytes:
    """A WEBP of an accepted picture whose longest side is `side` pixels, or the picture's where that is less.

    Blocks for as long as decoding takes: call it in a thread. The same arguments give the same bytes.
    """
    with Image.open(io.BytesIO(data), formats=_READABLE) as image:
        return _webp(image, min(1, side / max(image.size)))


def _webp(image: ImageFile.ImageFile, scale: float) -> bytes:
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image.draft("RGB", size)  # a JPEG is decoded at half, a quarter or an eighth where that suffices
    pixels = image.convert("RGBA" if image.has_transparency_data else "RGB")
    pixels.info.clear()
    if pixels.size != size:
        pixels = pixels.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    pixels.save(out, "WEBP", quality=_WEBP_QUALITY, method=_WEBP_METHOD)
    return out.getvalue()


def thumbhash_of(image: Image.Image) -> str:
    """The ThumbHash of a picture, in base64: some 24 bytes that a page can show while the picture loads.

    What is transparent counts as white: thumbhash 0.1.2 raises a TypeError for any picture with transparency.
    """
    scale = min(1, _PLACEHOLDER_PX / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.BOX, reducing_gap=2.0).convert("RGBA")
    ground = Image.new("RGBA", size, "white")
    ground.alpha_composite(small)
    return base64.b64encode(bytes(thumbhash.rgba_to_thumb_hash(*size, list(ground.tobytes())))).decode()
