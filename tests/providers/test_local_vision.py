import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from app.errors import AppError, ErrorCode
from app.pictures.pool import PicturePool
from app.providers.local.vision import LocalVisionModel
from app.providers.ports.model import Reference, Source
from app.providers.ports.vision import VisionRequest

PHOTOS = Path(__file__).parents[1] / "photos"


def png(image: Image.Image) -> Reference:
    out = io.BytesIO()
    image.save(out, "PNG")
    return Reference(out.getvalue(), "image/png")


def disc(at: tuple[int, int], radius: int = 60, colour: str = "red", ground: str = "white") -> Reference:
    image = Image.new("RGB", (600, 400), ground)
    ImageDraw.Draw(image).circle(at, radius, fill=colour)
    return png(image)


async def said(*pictures: Reference) -> str:
    return (await LocalVisionModel().describe(VisionRequest("Say what is on the picture.", pictures))).text


async def test_it_says_that_it_only_measures() -> None:
    description = await LocalVisionModel().describe(VisionRequest("", (disc((300, 200)),)))
    assert "basic local image processing" in description.text
    assert "does not recognise" in description.text
    assert (description.source, description.model) == (Source.LOCAL, "basic-processing-1")


@pytest.mark.parametrize(
    ("size", "form"), [((400, 300), "landscape"), ((300, 400), "portrait"), ((300, 310), "square"), ((1, 1), "square")]
)
async def test_form_is_said(size: tuple[int, int], form: str) -> None:
    assert f"A {form} picture ({size[0]} x {size[1]} pixels)" in await said(png(Image.new("RGB", size, "teal")))


@pytest.mark.parametrize(("ground", "light"), [("black", "very dark"), ("#404040", "dark"), ("white", "very bright")])
async def test_light_is_said(ground: str, light: str) -> None:
    assert f"pixels), {light}." in await said(png(Image.new("RGB", (90, 60), ground)))


@pytest.mark.parametrize(
    ("at", "where"),
    [
        ((300, 200), "in the middle"),
        ((110, 90), "in the upper left"),
        ((490, 310), "in the lower right"),
        ((100, 200), "on the left"),
        ((300, 320), "in the lower part"),
    ],
)
async def test_object_is_found_where_it_is(at: tuple[int, int], where: str) -> None:
    text = await said(disc(at))
    assert f"One object stands out {where}; it covers a small part of the picture and is mainly red." in text
    assert "The background is plain, mainly white." in text


async def test_larger_object_covers_more() -> None:
    assert "about a quarter" in await said(disc((300, 200), 140, "navy"))


@pytest.mark.parametrize("ground", ["white", "#345678"])
async def test_empty_surface_has_no_object(ground: str) -> None:
    text = await said(png(Image.new("RGB", (300, 200), ground)))
    assert "No single object stands out" in text
    assert "plain" in text


async def test_what_is_cut_out_has_a_transparent_background() -> None:
    text = await said(Reference((PHOTOS / "animal-1.cutout.png").read_bytes(), "image/png"))
    assert "The background is transparent." in text
    assert "One object stands out in the middle" in text


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 300), (40, 40)])
async def test_wholly_transparent_picture_shows_nothing(size: tuple[int, int]) -> None:
    assert "all of it transparent" in await said(png(Image.new("RGBA", size, (0, 0, 0, 0))))


async def test_opaque_picture_with_an_alpha_channel_is_like_any_other() -> None:
    picture = Image.open(io.BytesIO(disc((300, 200)).data))
    assert await said(png(picture.convert("RGBA"))) == await said(png(picture))


async def test_busy_scene_is_called_busy_and_its_object_a_guess() -> None:
    text = await said(Reference((PHOTOS / "animal-1.jpg").read_bytes(), "image/jpeg"))
    assert "One object seems to stand out" in text
    assert "The background is busy" in text


async def test_pictures_are_described_in_their_order() -> None:
    text = await said(disc((300, 200), colour="red"), disc((300, 200), colour="navy"))
    first, second = text.split("Picture 2: ")
    assert first.startswith("Picture 1: ")
    assert "mainly red" in first
    assert "mainly navy" in second


@pytest.mark.parametrize("data", [b"", b"no picture"])
async def test_what_is_no_picture_says_what_to_do(data: bytes) -> None:
    with pytest.raises(AppError) as failed:
        await said(Reference(data, "image/png"))
    assert failed.value.code is ErrorCode.SOURCE_IMAGE_MISSING
    assert "Upload it again" in failed.value.message


async def test_many_at_once_take_turns() -> None:
    pool = PicturePool(2)
    model = LocalVisionModel(pool)
    tasks = [asyncio.create_task(model.describe(VisionRequest("", (disc((300, 200)),)))) for _ in range(6)]
    await asyncio.sleep(0)
    assert pool.is_busy
    assert len({(await task).text for task in tasks}) == 1
    assert not pool.is_busy
