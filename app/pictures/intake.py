"""What becomes of an uploaded picture before anybody keeps it."""

import hashlib
import io
import os
import struct
import sys
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from PIL import ExifTags, Image, ImageCms, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from app.errors import AppError, bad_input
from app.pictures.rendition import thumbhash_of

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE_PX = 16_383  # WEBP's own limit: every accepted picture can be delivered as one
_STRIP_PX, _PIECE_BYTES = 64, 1 << 18
_MAX_SCANS = 100  # a progressive JPEG has about ten; thousands would decode the same pixels for minutes

_ACCEPTED = "Send a JPEG, PNG, WEBP, AVIF or HEIC picture."
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    AttributeError,
    struct.error,
    zlib.error,
    Warning,
)
"""What the decoders raise for bytes that are not what they claim to be."""


@dataclass(frozen=True, slots=True)
class AcceptedPicture:
    """A checked and normalised picture.

    `data` holds pixels in sRGB, upright, and nothing about the camera, the place or the person; `sha256` is the
    hex digest of it, `thumbhash` is in base64, `width` and `height` are in pixels.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    sha256: str
    thumbhash: str


def examine(data: bytes) -> AcceptedPicture:
    """Check a picture and rebuild it from its pixels.

    Blocks for as long as decoding takes: call it in a thread. The same bytes give the same result.

    Raises:
        AppError: BAD_USER_INPUT when it is too large, animated, damaged or of another type; the message says
            what to do.
    """
    with opened(data, MAX_BYTES) as (kind, image):
        pixels = _normalised(image)
    encoded, media_type = _encode(pixels, kind)
    digest = hashlib.sha256(encoded).hexdigest()
    return AcceptedPicture(encoded, media_type, pixels.width, pixels.height, digest, thumbhash_of(pixels))


@contextmanager
def opened(data: bytes, max_bytes: int) -> Generator[tuple[str, ImageFile.ImageFile]]:
    """The picture's type and its decoder, once its first bytes and its header are checked; nothing is decoded yet.

    Raises:
        AppError: BAD_USER_INPUT, also for what turns out to be damaged while it is open.
    """
    if len(data) > max_bytes:
        message = f"The picture has {len(data) / 1e6:.1f} MB; at most {max_bytes >> 20} MB are accepted."
        raise bad_input(f"{message} Save it as JPEG or make it smaller.")
    kind = _sniff(data)
    try:
        with _OPENERS[kind](io.BytesIO(data)) as image:
            _check_header(image, kind, data)
            yield kind, image
    except Image.DecompressionBombError as error:
        raise _too_large("more than 100 megapixels") from error  # a plugin looked before we could
    except _DAMAGE as error:
        message = f"The {kind} picture is damaged or was cut off: only {len(data):,} bytes arrived."
        raise bad_input(f"{message} Upload it again; if that fails, open it and save it anew.") from error


def _open_heic(stream: io.BytesIO) -> ImageFile.ImageFile:
    return HeifImageFile(stream)  # type: ignore[no-untyped-call] # pillow-heif leaves its constructor untyped


_OPENERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    # The plugins themselves, not `Image.open`: it would hand a JPEG with further frames to the MPO plugin.
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "AVIF": AvifImageFile,
    "HEIC": _open_heic,
}

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
)
_ADVICE = {
    "GIF": "Save the frame you want as PNG.",
    "PDF": "Export the page you want as PNG or JPEG.",
    "SVG": "Export the drawing as PNG.",
    "video": "Save a still of it as JPEG.",
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis"}
_HEIC_SEQUENCE_BRANDS = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}


def _sniff(data: bytes) -> str:
    """The accepted type that the first bytes belong to.

    Raises:
        AppError: BAD_USER_INPUT for every other type, with what to do.
    """
    if not data:
        raise bad_input(f"The file is empty. {_ACCEPTED}")
    kind = next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "WEBP"
    elif data[4:8] == b"ftyp":
        kind = _sniff_brands(data)
    elif kind is None:
        kind = _sniff_text(data)
    if kind in _OPENERS:
        return kind
    what = f"The file is {kind}, which is not accepted." if kind else "The file is no picture of a known type."
    raise bad_input(f"{what} {_ADVICE.get(kind or '', '')} {_ACCEPTED}".replace("  ", " "))


def _sniff_brands(data: bytes) -> str:
    """The type in the first box of an ISO base media file (ISO/IEC 14496-12, section 4.3)."""
    box = data[8 : min(int.from_bytes(data[:4]), 256)]
    major, brands = box[:4], {box[at : at + 4] for at in range(0, len(box), 4)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if major in _HEIC_SEQUENCE_BRANDS:
        raise _animated("HEIC")
    return "HEIC" if brands & _HEIC_BRANDS else "video"


def _sniff_text(data: bytes) -> str | None:
    head = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in head or head.startswith(b"<?xml"):
        return "SVG"
    return "text" if head.isascii() and b"\0" not in head else None


def _animated(kind: str) -> AppError:
    return bad_input(f"The {kind} file is animated; a still picture is needed. Save the frame you want as PNG or JPEG.")


def _too_large(size: str) -> AppError:
    limits = f"at most {MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE_PX:,} pixels a side are accepted"
    return bad_input(f"The picture has {size}; {limits}. Make it smaller.")


def _check_header(image: ImageFile.ImageFile, kind: str, data: bytes) -> None:
    """Refuse what would cost too much, by what the header declares: nothing is decoded yet."""
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX:
        raise _too_large(f"{width:,} x {height:,} pixels")
    if kind not in {"JPEG", "HEIC"} and getattr(image, "n_frames", 1) > 1:
        raise _animated(kind)
    if kind == "JPEG" and _scans(data) > _MAX_SCANS:
        raise bad_input("The JPEG picture is built in an unusual way. Open it and save it anew.")


def _scans(data: bytes) -> int:
    """How many scans a JPEG has, or a few less; counted in pieces, because no other thread runs meanwhile."""
    return sum(data.count(b"\xff\xda", start, start + _PIECE_BYTES) for start in range(0, len(data), _PIECE_BYTES))


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _normalised(image: ImageFile.ImageFile) -> Image.Image:
    """The pixels in RGB, or RGBA where any is transparent: sRGB, upright, without metadata."""
    image.load()
    turn = _TURNS.get(_orientation(image))
    pixels = _in_srgb(image)
    if pixels.mode == "RGBA" and _is_opaque(pixels.getchannel("A")):
        pixels = pixels.convert("RGB")
    if turn is not None:
        pixels = pixels.transpose(turn)
    pixels.info = {}
    return pixels


def _is_opaque(alpha: Image.Image) -> bool:
    """Looked through in strips: Pillow lets no other thread run while it looks through one."""
    strips = (
        alpha.crop((0, top, alpha.width, min(top + _STRIP_PX, alpha.height)))
        for top in range(0, alpha.height, _STRIP_PX)
    )
    return all(strip.getextrema() == (255, 255) for strip in strips)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _DAMAGE:
        return 1  # broken metadata is thrown away anyway


def _in_srgb(image: Image.Image) -> Image.Image:
    """A copy in RGB or RGBA, converted by its ICC profile where it has one that fits its pixels."""
    profile = image.info.get("icc_profile")
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda level: level / 257).convert("L")
    elif image.mode not in {"L", "RGB", "RGBA", "CMYK"} or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            return _converted(image, profile, target)
        except (ImageCms.PyCMSError, *_DAMAGE):
            pass  # a broken profile, or one for other pixels: show them as they are
    return image.convert(target)


def _converted(image: Image.Image, profile: bytes, target: str) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if ImageCms.getProfileDescription(source).startswith("sRGB"):
        return image.convert(target)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] -- Pillow leaves the result untyped
    converted = ImageCms.profileToProfile(image, source, srgb, outputMode=target)
    return image.convert(target) if converted is None else converted


def _encode(pixels: Image.Image, kind: str) -> tuple[bytes, str]:
    """The bytes and their media type; AVIF and HEIC become what every browser shows."""
    if kind in {"AVIF", "HEIC"}:
        kind = "WEBP" if pixels.mode == "RGBA" else "JPEG"
    with _buffer() as out:
        match kind:
            case "PNG":
                pixels.save(out, kind, compress_level=1)
            case "WEBP":
                pixels.save(out, kind, quality=92, method=2, alpha_quality=100)
            case _:
                pixels.save(out, kind, quality=92, subsampling=0)
        size = out.tell()
        out.seek(0)
        return out.read(size), f"image/{kind.lower()}"


def _buffer() -> IO[bytes]:
    """In memory, and where the system has such a thing a file: only into files Pillow encodes a JPEG beside others."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("picture"), "w+b")
    return io.BytesIO()
