"""Pictures of an exact size in bytes: what is missing stands in a part of the file that decoders pass over."""

import struct
import zlib

_PNG_END = 12
_CHUNK = 12
_SEGMENT_MAX = 65_533
_RIFF_HEAD = 8


def padded(picture: bytes, media_type: str, size: int) -> bytes:
    """The same picture in exactly `size` bytes, which is even; one that is larger already is left alone."""
    missing = size - len(picture)
    if missing <= _CHUNK:
        return picture
    if media_type == "image/png":
        return picture[:-_PNG_END] + _png_chunk(missing) + picture[-_PNG_END:]
    if media_type == "image/webp":
        return _riff(picture, missing)
    return picture[:2] + _jpeg_comments(missing) + picture[2:]


def _png_chunk(size: int) -> bytes:
    content = b"paDd" + bytes(size - _CHUNK)
    return struct.pack(">I", size - _CHUNK) + content + struct.pack(">I", zlib.crc32(content))


def _riff(picture: bytes, size: int) -> bytes:
    """A chunk that no decoder knows, at the end."""
    chunk = b"PADD" + struct.pack("<I", size - _RIFF_HEAD) + bytes(size - _RIFF_HEAD)
    return picture[:4] + struct.pack("<I", len(picture) + size - _RIFF_HEAD) + picture[_RIFF_HEAD:] + chunk


def _jpeg_comments(size: int) -> bytes:
    """As many comment segments as it takes; none of them shorter than its head."""
    segments: list[bytes] = []
    while size:
        segment = min(size, _SEGMENT_MAX)
        if 0 < size - segment < 4:  # noqa: PLR2004 - the shortest segment
            segment -= 4
        segments.append(b"\xff\xfe" + struct.pack(">H", segment - 2) + bytes(segment - 4))
        size -= segment
    return b"".join(segments)
