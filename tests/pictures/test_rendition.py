import base64
import io
from pathlib import Path

import pytest
import thumbhash  # type: ignore[import-untyped] # pyright: ignore[reportMissingTypeStubs] -- it ships no types
from PIL import Image

from app.errors import AppError, ErrorCode
from app.pictures.intake import examine
from app.pictures.rendition import rendition, thumbhash_of

PHOTOS = Path(__file__).parents[1] / "photos"
CAR = (PHOTOS / "car-1.jpg").read_bytes()
CUTOUT = (PHOTOS / "car-1.cutout.png").read_bytes()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_rendition_is_a_webp_of_the_width_asked_for() -> None:
    image = opened(rendition(CAR, 120))
    assert (image.format, image.size) == ("WEBP", (120, 90))


def test_rendition_is_never_larger_than_the_picture() -> None:
    assert opened(rendition(CAR, 5000)).size == (480, 360)


def test_rendition_keeps_transparency() -> None:
    image = opened(rendition(CUTOUT, 120))
    assert image.mode == "RGBA"
    assert image.getchannel("A").getextrema() == (0, 255)


def test_rendition_is_the_same_every_time() -> None:
    assert rendition(CAR, 200) == rendition(CAR, 200)


def test_rendition_of_a_thin_picture_keeps_one_row() -> None:
    out = io.BytesIO()
    Image.new("RGB", (2000, 2)).save(out, "PNG")
    assert opened(rendition(out.getvalue(), 10)).size == (10, 1)


@pytest.mark.parametrize("width", [0, -1])
def test_impossible_width_is_refused(width: int) -> None:
    with pytest.raises(AppError) as refused:
        rendition(CAR, width)
    assert refused.value.code is ErrorCode.BAD_USER_INPUT


def test_thumbhash_shows_the_pictures_colour_and_shape() -> None:
    code = list(base64.b64decode(thumbhash_of(Image.new("RGB", (300, 150), (200, 40, 30)))))
    assert tuple(thumbhash.thumb_hash_to_average_rgba(code)) == pytest.approx((0.8, 0.16, 0.12, 1), abs=0.05)
    assert thumbhash.thumb_hash_to_approximate_aspect_ratio(code) > 1.5


def test_thumbhash_is_some_24_bytes() -> None:
    assert 10 <= len(base64.b64decode(examine(CAR).thumbhash)) <= 30


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (40, 40)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_thumbhash_exists_for_any_shape(size: tuple[int, int], mode: str) -> None:
    assert thumbhash_of(Image.new(mode, size))
