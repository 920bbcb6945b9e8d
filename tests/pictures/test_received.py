"""Pictures that another server kept are checked like uploads, and stay as they are."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from app.errors import AppError, ErrorCode
from app.pictures.received import MAX_BYTES, describe_received


def _saved(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), "navy").save(buffer, kind, **options)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def _animated() -> bytes:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def _wide() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (16_384, 1)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_bytes_stay_as_they_are(kind: str, media_type: str) -> None:
    data = _saved(kind) + b"what another server has put behind it"
    described = describe_received(data)
    assert (described.data, described.media_type, described.width, described.height) == (data, media_type, 20, 10)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: b"", "empty"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "SVG"),
        (lambda: _saved("GIF"), "GIF"),
        (lambda: _saved("AVIF"), "AVIF"),
        (lambda: _saved("JPEG")[:-20], "damaged"),
        (_animated, "animated"),
        (_wide, "16,384"),
        (lambda: _saved("JPEG") + b"\xff\xda" * 101, "unusual"),
        (lambda: b"\xff\xd8\xff" + b"0" * MAX_BYTES, "at most 50 MB"),
    ],
    ids=["nothing", "script", "GIF", "AVIF", "cut off", "animated", "wide", "scans", "large"],
)
def test_what_no_server_keeps_is_refused(made: Callable[[], bytes], why: str) -> None:
    with pytest.raises(AppError, match=why) as refused:
        describe_received(made())
    assert refused.value.code is ErrorCode.BAD_USER_INPUT
