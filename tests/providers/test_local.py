import asyncio
import io
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from app.errors import AppError, ErrorCode
from app.providers.local.cutout import Cutout
from app.providers.local.preview import preview
from app.providers.local.provider import LocalImageModel
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Reference, Source, Stage

PHOTOS = Path(__file__).parents[1] / "photos"
TIGER = (PHOTOS / "animal-1.jpg").read_bytes()
CUTOUT = (PHOTOS / "car-1.cutout.png").read_bytes()


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return out.getvalue()


def disc(background: str = "#b8b8c0") -> bytes:
    image = Image.new("RGB", (480, 360), background)
    ImageDraw.Draw(image).ellipse((160, 100, 320, 260), fill="#806030")
    return jpeg(image)


def request(
    data: bytes,
    *wishes: str,
    task: ImageTask = ImageTask.REPLACE_BACKGROUND,
    background: str | None = "white",
) -> ImageRequest:
    return ImageRequest(task, " ".join(wishes), (Reference(data, "image/jpeg"),), wishes, background)


async def made(asked: ImageRequest) -> MadePicture:
    pictures = [one async for one in LocalImageModel().run(asked) if isinstance(one, MadePicture)]
    assert len(pictures) == 1
    return pictures[0]


def shown(picture: MadePicture) -> npt.NDArray[np.uint8]:
    return np.array(Image.open(io.BytesIO(picture.data)).convert("RGB"), dtype=np.uint8)


def rim(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """All pixels within eight of the border."""
    sides = (pixels[:8], pixels[-8:], pixels[:, :8], pixels[:, -8:])
    return np.concatenate([side.reshape(-1, 3) for side in sides])


async def test_stages_come_in_order_and_then_one_picture() -> None:
    model: ImageModel = LocalImageModel()
    events = [event async for event in model.run(request(disc()))]
    stages = [event for event in events if isinstance(event, Stage)]
    assert [stage.name for stage in stages][:2] == ["reading the picture", "cutting out"]
    assert [stage.percent for stage in stages] == sorted(stage.percent for stage in stages)
    assert isinstance(events[-1], MadePicture)
    assert [type(event) for event in events if not isinstance(event, Stage)] == [Preview, MadePicture]
    assert model.source is Source.LOCAL


async def previewed(asked: ImageRequest) -> Image.Image:
    previews = [one async for one in LocalImageModel().run(asked) if isinstance(one, Preview)]
    assert len(previews) == 1
    assert len(previews[0].data) <= 100_000
    image = Image.open(io.BytesIO(previews[0].data))
    image.load()
    assert image.get_format_mimetype() == previews[0].media_type
    return image


@pytest.mark.parametrize("size", [(1600, 1200), (900, 1201), (300, 200)])
async def test_preview_shows_the_object_on_its_new_background_without_the_wishes(size: tuple[int, int]) -> None:
    photo = jpeg(Image.open(io.BytesIO(disc())).resize(size))
    asked = request(photo, "black and white", background="navy")
    small = await previewed(asked)
    longest = min(512, max(size))
    assert small.size == (round(size[0] * longest / max(size)), round(size[1] * longest / max(size)))
    pixels = np.array(small.convert("RGB")).astype(int)
    assert np.abs(pixels[0, 0] - (0, 0, 128)).max() <= 3
    red, _, blue = pixels[small.height // 2, small.width // 2]
    assert red - blue > 40  # still brown
    assert (
        np.abs(np.diff(shown(await made(asked))[size[1] // 2, size[0] // 2].astype(int))).max() <= 3
    )  # the picture is not


async def test_preview_of_an_adjustment_is_the_source() -> None:
    small = await previewed(request(TIGER, "much brighter", task=ImageTask.ADJUST))
    source = Image.open(io.BytesIO(TIGER)).resize(small.size)
    assert np.abs(np.array(small).astype(int) - np.array(source)).mean() < 5


async def test_preview_keeps_transparency() -> None:
    small = await previewed(request(CUTOUT, "brighter", task=ImageTask.ADJUST))
    assert (small.mode, small.format) == ("RGBA", "WEBP")


def test_preview_of_twelve_megapixels_is_made_in_time() -> None:
    photo, alpha = np.full((3000, 4000, 3), 90, np.uint8), np.zeros((3000, 4000), np.uint8)
    alpha[1000:2000, 1000:3000] = 255
    started = time.thread_time()
    preview(photo, None, Cutout(alpha, on_plain=True), (255, 255, 255))
    assert time.thread_time() - started < 0.6  # 0.04 s measured
    assert (photo == 90).all()


async def test_result_says_that_it_is_basic_local_processing() -> None:
    picture = await made(request(disc(), "Make it shine"))
    assert (picture.source, picture.model) == (Source.LOCAL, LocalImageModel().model)
    assert picture.note is not None
    assert "basic local image processing" in picture.note
    assert picture.applied == ("white background", "more shine")


@pytest.mark.parametrize("data", [disc(), TIGER], ids=["plain", "scene"])
async def test_new_background_is_white_to_the_border(data: bytes) -> None:
    picture = await made(request(data))
    assert picture.media_type == "image/jpeg"
    assert (rim(shown(picture)) == 255).all()


async def test_other_background_has_the_colour_asked_for() -> None:
    pixels = rim(shown(await made(request(disc(), background="light blue")))).astype(int)
    assert np.abs(pixels - (173, 216, 230)).max() <= 2  # JPEG rounds


async def test_wished_background_wins_over_the_default() -> None:
    picture = await made(request(disc(), "on a navy background", background="white"))
    assert picture.applied == ("navy background",)
    assert np.abs(rim(shown(picture)).astype(int) - (0, 0, 128)).max() <= 2


async def test_regenerated_picture_keeps_its_white_background() -> None:
    first = await made(request(TIGER))
    brighter = await made(request(first.data, "Make it brighter", task=ImageTask.ADJUST))
    assert brighter.applied == ("brighter",)
    assert (rim(shown(brighter)) == 255).all()
    assert shown(brighter).mean() > shown(first).mean()


async def test_gold_in_a_regeneration_is_on_the_object_alone() -> None:
    first = await made(request(disc()))
    gold = await made(request(first.data, "Add gold accents", task=ImageTask.ADJUST))
    assert (rim(shown(gold)) == 255).all()
    before, after = shown(first)[180, 240].astype(int), shown(gold)[180, 240].astype(int)
    assert after[0] - after[2] > before[0] - before[2]


async def test_regeneration_can_change_the_background() -> None:
    first = await made(request(TIGER))
    blue = shown(await made(request(first.data, "a blue background", task=ImageTask.ADJUST)))
    assert np.abs(rim(blue).astype(int) - (0, 0, 255)).max() <= 2
    is_blue = (blue[..., 2] > 200) & (blue[..., 0] < 60)
    truth = np.array(Image.open(PHOTOS / "animal-1.cutout.png").getchannel("A")) > 127
    assert (~is_blue & truth).sum() / (~is_blue | truth).sum() > 0.85


async def test_wish_that_is_not_understood_is_named_and_the_picture_left_alone() -> None:
    data = disc()
    picture = await made(request(data, "Put a swan beside it", task=ImageTask.ADJUST))
    assert picture.data == data
    assert picture.applied == ()
    assert picture.note is not None
    assert "Nothing of “Put a swan beside it” is understood" in picture.note
    assert "GOOGLE_API_KEY" in picture.note


async def test_understood_wish_is_not_named_as_missed() -> None:
    picture = await made(request(disc(), "Make it shine", "Put a swan beside it"))
    assert picture.note is not None
    assert "swan" in picture.note
    assert "shine" not in picture.note


async def test_busy_background_is_admitted() -> None:
    picture = await made(request(TIGER))
    assert picture.note is not None
    assert "outline is a guess" in picture.note


async def test_transparent_source_is_cut_along_its_own_edge() -> None:
    asked = ImageRequest(ImageTask.REPLACE_BACKGROUND, "", (Reference(CUTOUT, "image/png"),), (), "white")
    assert (rim(shown(await made(asked))) == 255).all()


async def test_transparency_survives_an_adjustment() -> None:
    picture = await made(request(CUTOUT, "brighter", task=ImageTask.ADJUST))
    assert picture.media_type == "image/webp"
    assert Image.open(io.BytesIO(picture.data)).mode == "RGBA"


async def test_same_request_gives_the_same_bytes() -> None:
    asked = request(TIGER, "shiny", "rose gold")
    assert await made(asked) == await made(asked)


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (request(jpeg(Image.new("RGB", (300, 200), "#999"))), ErrorCode.BAD_USER_INPUT, "plain surface"),
        (request(disc(), background="blurple"), ErrorCode.BAD_USER_INPUT, "CSS name"),
        (request(b"no picture"), ErrorCode.SOURCE_IMAGE_MISSING, "Upload it again"),
        (request(disc()[:2000]), ErrorCode.SOURCE_IMAGE_MISSING, "Upload it again"),
        (ImageRequest(ImageTask.ADJUST, "", ()), ErrorCode.SOURCE_IMAGE_MISSING, "Upload one"),
    ],
    ids=["no object", "no colour", "no picture", "half a picture", "nothing"],
)
async def test_failure_says_what_to_do_and_is_not_retried(asked: ImageRequest, code: ErrorCode, said: str) -> None:
    with pytest.raises(AppError) as failed:
        await made(asked)
    assert failed.value.code is code
    assert said in failed.value.message
    assert not failed.value.retryable


async def test_cancelled_call_ends_at_once_and_frees_its_slot() -> None:
    model, big = LocalImageModel(), jpeg(Image.open(io.BytesIO(TIGER)).resize((3000, 2000)))

    async def run() -> None:
        async for _ in model.run(request(big)):
            started.set()

    started = asyncio.Event()
    task = asyncio.create_task(run())
    await started.wait()
    asked_at = time.perf_counter()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.perf_counter() - asked_at < 5
    assert not model.slots.locked()
    async for _ in model.run(request(disc())):
        pass


async def test_two_pictures_at_most_are_worked_on_at_once() -> None:
    model = LocalImageModel()
    running = [model.run(request(disc())) for _ in range(3)]
    assert isinstance(await anext(running[0]), Stage)
    assert isinstance(await anext(running[1]), Stage)
    third = asyncio.ensure_future(anext(running[2]))
    await asyncio.sleep(0)
    assert not third.done()
    await running[0].aclose()
    assert isinstance(await third, Stage)
    for one in running[1:]:
        await one.aclose()


async def test_three_megapixels_are_done_in_time_and_the_loop_stays_free() -> None:
    data = jpeg(Image.open(PHOTOS / "car-1.jpg").resize((2000, 1500)))
    turns: list[float] = []

    async def beat() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0.002)
            turns.append(time.thread_time() - last)
            last = time.thread_time()

    heart, started = asyncio.create_task(beat()), time.process_time()
    await made(request(data, "shine", "gold"))
    took = time.process_time() - started
    heart.cancel()
    assert took < 10  # 0.8 s measured
    assert max(turns) < 0.5  # 0.02 s measured: the work is done by other threads


async def test_object_is_put_before_the_second_picture() -> None:
    backdrop = Image.new("RGB", (200, 400), "navy")
    ImageDraw.Draw(backdrop).rectangle((0, 200, 200, 400), fill="orange")
    references = (Reference(disc(), "image/jpeg"), Reference(jpeg(backdrop), "image/jpeg"))
    picture = await made(ImageRequest(ImageTask.REPLACE_BACKGROUND, "", references))
    pixels = shown(picture).astype(int)
    assert pixels.shape == (360, 480, 3)
    assert np.abs(pixels[4, 4] - (0, 0, 128)).max() <= 6
    assert np.abs(pixels[-4, -4] - (255, 165, 0)).max() <= 6
    assert np.abs(pixels[180, 240] - (128, 96, 48)).max() <= 12
    assert picture.applied == ("the background of the picture",)


async def test_background_can_be_in_the_words_alone() -> None:
    picture = await made(request(disc(), "on a navy background", background=None))
    assert np.abs(rim(shown(picture)).astype(int) - (0, 0, 128)).max() <= 6
    assert picture.applied == ("navy background",)


async def test_words_that_name_no_background_are_said_to_be_beyond_local_processing() -> None:
    picture = await made(request(disc(), "on a beach at sunset", background=None))
    assert picture.data == disc()
    assert picture.note is not None
    assert "on a beach at sunset" in picture.note


async def test_new_scene_is_a_labelled_placeholder() -> None:
    references = (Reference(disc(), "image/jpeg"), Reference(disc("#204060"), "image/jpeg"))
    picture = await made(ImageRequest(ImageTask.COMPOSE, "A person wears a ring", references))
    assert picture.source is Source.MOCK
    assert picture.note is not None
    assert "placeholder" in picture.note
    assert "GOOGLE_API_KEY" in picture.note
