import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from app.errors import AppError, ErrorCode
from app.pictures.measuring import difference

_PHOTOS = Path(__file__).parent.parent / "photos"
_CAR = Image.open(_PHOTOS / "car-1.jpg").convert("RGB")


def _encoded(image: Image.Image, kind: str = "PNG", quality: int = 92) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, quality=quality)
    return out.getvalue()


def _plain(colour: str | tuple[int, ...], size: tuple[int, int] = (60, 40), mode: str = "RGB") -> bytes:
    return _encoded(Image.new(mode, size, colour))


def test_same_picture_is_not_apart_from_itself_and_nothing_is_marked() -> None:
    found = difference(_encoded(_CAR), _encoded(_CAR))
    assert (found.structure, found.colour, found.changed, found.box, found.marked) == (0, 0, 0, None, None)


@pytest.mark.parametrize(("scale", "quality"), [(1, 60), (0.5, 92)])
def test_same_picture_in_other_bytes_is_next_to_nothing_apart(scale: float, quality: int) -> None:
    again = _CAR.resize((round(_CAR.width * scale), round(_CAR.height * scale)))
    found = difference(_encoded(_CAR), _encoded(again, "JPEG", quality))
    assert found.structure < 0.05
    assert found.colour < 0.02
    assert (found.changed, found.box) == (0, None)


def test_other_colours_on_the_same_shapes_are_a_difference_of_colour_alone() -> None:
    red, green, blue = _CAR.split()
    found = difference(_encoded(_CAR), _encoded(Image.merge("RGB", (blue, green, red))))
    assert found.structure < 0.02
    assert found.colour > 0.05


def test_more_light_is_a_difference_of_colour_and_hardly_of_structure() -> None:
    found = difference(_encoded(_CAR), _encoded(ImageEnhance.Brightness(_CAR).enhance(1.3)))
    assert found.structure < 0.05 < found.colour


def test_other_shapes_in_the_same_colours_are_a_difference_of_structure() -> None:
    mirrored = difference(_encoded(_CAR), _encoded(ImageOps.mirror(_CAR)))
    recoloured = difference(_encoded(_CAR), _encoded(_CAR.convert("L")))
    assert mirrored.structure > 0.4
    assert recoloured.structure < 0.05


def test_black_and_white_are_as_far_apart_as_colours_get() -> None:
    found = difference(_plain("black"), _plain("white"))
    assert found.colour == pytest.approx(1, abs=0.001)
    assert found.structure == pytest.approx(0, abs=0.001)
    assert found.changed == 1


def test_changed_region_is_around_what_was_changed() -> None:
    changed = _CAR.copy()
    width, height = _CAR.size
    corners = (width // 2, height // 4, width * 3 // 4, height // 2)
    ImageDraw.Draw(changed).rectangle(corners, fill="red")
    found = difference(_encoded(_CAR), _encoded(changed))
    assert found.box is not None
    edges = (found.box.left, found.box.top, found.box.left + found.box.width, found.box.top + found.box.height)
    assert edges == pytest.approx((0.5, 0.25, 0.75, 0.5), abs=0.03)
    assert found.changed == pytest.approx(1 / 16, abs=0.02)


def test_marked_picture_shows_the_change_as_it_is_and_the_rest_without_colour() -> None:
    before = Image.new("RGB", (300, 200), "blue")
    after = before.copy()
    ImageDraw.Draw(after).rectangle((100, 50, 200, 150), fill=(255, 0, 0))
    marked = difference(_encoded(before), _encoded(after)).marked
    assert marked is not None
    with Image.open(io.BytesIO(marked)) as opened:
        shown = opened.convert("RGB")
    assert shown.size == (300, 200)
    changed, rest = shown.getpixel((150, 100)), shown.getpixel((20, 20))
    assert changed == pytest.approx((255, 0, 0), abs=12)
    assert isinstance(rest, tuple)
    assert max(rest) - min(rest) < 12


def test_same_pictures_are_marked_with_the_same_bytes() -> None:
    pair = _encoded(_CAR), _encoded(ImageOps.mirror(_CAR))
    assert difference(*pair).marked == difference(*pair).marked


def test_transparency_counts_as_white() -> None:
    assert difference(_plain((9, 9, 9, 0), mode="RGBA"), _plain("white")).colour == 0


@pytest.mark.parametrize("sizes", [((1, 1), (300, 200)), ((4000, 1), (1, 4000)), ((2000, 1500), (7, 7))])
def test_any_two_shapes_can_be_compared(sizes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    found = difference(_plain("red", sizes[0]), _plain("lime", sizes[1]))
    assert found.marked is not None
    assert 0 <= found.structure <= 1
    with Image.open(io.BytesIO(found.marked)) as shown:
        assert max(shown.size) == min(max(sizes[1]), 1024)


@pytest.mark.parametrize("broken", [b"", b"not a picture", _encoded(_CAR)[:5_000]])
def test_bytes_that_are_no_picture_are_a_missing_picture(broken: bytes) -> None:
    for pair in ((broken, _plain("white")), (_plain("white"), broken)):
        with pytest.raises(AppError) as refusal:
            difference(*pair)
        assert refusal.value.code is ErrorCode.SOURCE_IMAGE_MISSING
