import asyncio
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.errors import AppError, ErrorCode
from app.providers.mock.dice import Dice
from app.providers.mock.image import MockImageModel
from app.providers.mock.painting import paint
from app.providers.mock.palette import luminance, palette_of
from app.providers.mock.words import read
from app.providers.ports.image import ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Reference, Source, Stage

type Pixels = npt.NDArray[np.uint8]

PHOTOS = Path(__file__).parents[2] / "photos"
TIGER, CAR = (Reference((PHOTOS / f"{name}.jpg").read_bytes(), "image/jpeg") for name in ("animal-1", "car-1"))


def asked(prompt: str, *references: Reference, task: ImageTask = ImageTask.CREATE, previews: int = 0) -> ImageRequest:
    return ImageRequest(task, prompt, references, previews=previews)


async def updates(request: ImageRequest) -> list[Stage | Preview | MadePicture]:
    return [update async for update in MockImageModel().run(request)]


async def made(request: ImageRequest) -> MadePicture:
    last = (await updates(request))[-1]
    assert isinstance(last, MadePicture)
    return last


def shown(request: ImageRequest) -> Pixels:
    return np.array(paint(request), dtype=np.uint8)


def distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


async def test_placeholder_is_a_webp_of_1024_pixels_and_is_labelled() -> None:
    picture = await made(asked("A lighthouse"))
    image = Image.open(io.BytesIO(picture.data))
    assert (image.size, image.format, picture.media_type) == ((1024, 1024), "WEBP", "image/webp")
    assert (picture.source, picture.model) == (Source.MOCK, "placeholder-1")


async def test_note_says_what_it_is_and_which_setting_makes_real_ones() -> None:
    async for update in MockImageModel(setting="SOME_KEY").run(asked("A lighthouse")):
        if isinstance(update, MadePicture):
            assert "placeholder" in (update.note or "")
            assert "SOME_KEY" in (update.note or "")
    assert "OPENAI_API_KEY" in ((await made(asked("A lighthouse"))).note or "")


async def test_each_part_of_the_request_makes_another_picture() -> None:
    request = asked("Put it on a table", TIGER)
    others = [
        replace(request, prompt="Put it on a tablet"),
        replace(request, task=ImageTask.ADJUST),
        replace(request, references=(CAR,)),
        replace(request, references=(TIGER, CAR)),
        replace(request, wishes=("Put it on a shelf",)),
        replace(request, background="navy"),
    ]
    pictures = {(await made(one)).data for one in (request, *others)}
    assert len(pictures) == 1 + len(others)


async def test_who_asks_and_how_many_previews_change_nothing() -> None:
    request = asked("Put it on a table", TIGER)
    others = [replace(request, end_user="somebody"), replace(request, previews=3), replace(request, model="another")]
    assert {(await made(one)).data for one in others} == {(await made(request)).data}


@pytest.mark.parametrize("count", [0, 1, 2, 3])
async def test_as_many_previews_as_wanted_each_nearer_to_the_picture(count: int) -> None:
    *before, last = await updates(asked("Mountains at dusk", previews=count))
    assert isinstance(last, MadePicture)
    small = np.array(Image.open(io.BytesIO(last.data)).resize((512, 512)), dtype=np.uint8)
    previews = [update for update in before if isinstance(update, Preview)]
    distances = [distance(np.array(Image.open(io.BytesIO(one.data)), dtype=np.uint8), small) for one in previews]
    assert len(previews) == count
    assert distances == sorted(distances, reverse=True)


async def test_more_previews_than_there_are_do_no_harm() -> None:
    previews = [one for one in await updates(asked("Mountains", previews=99)) if isinstance(one, Preview)]
    assert len(previews) == 3


@pytest.mark.parametrize(
    ("prompt", "colour"),
    [
        ("a ruby red car", (220, 20, 30)),
        ("navy", (0, 0, 128)),
        ("a pile of gold", (255, 215, 0)),
        ("#00a86b", (0, 168, 107)),
    ],
)
def test_named_colour_is_what_is_seen(prompt: str, colour: tuple[int, int, int]) -> None:
    sky = shown(asked(prompt))[80:160, 100:700].reshape(-1, 3).mean(axis=0)
    assert np.argmax(sky) == np.argmax(colour) or np.allclose(sky, colour, atol=60)
    assert np.linalg.norm(sky - np.array(colour)) < np.linalg.norm(sky - (255 - np.array(colour)))


def test_what_something_lies_on_is_the_ground() -> None:
    assert read("a gold ring on black velvet").colours == ((0, 0, 0), (255, 215, 0))
    assert read("a gold and teal ring").colours == ((255, 215, 0), (0, 128, 128))


def test_night_is_darker_than_morning() -> None:
    night, morning = (shown(asked(f"the garden, {when}")).mean() for when in ("at night", "in the morning"))
    assert night < morning / 1.5


def test_words_are_set_in_type_and_can_be_read() -> None:
    with_words, without = shown(asked("The old oak")), shown(asked("一棵老橡树"))
    for picture, has_letters in ((with_words, True), (without, False)):
        band = picture[900:960, 64:460].mean(axis=-1)
        steps = np.abs(np.diff(band, axis=1)) > 60
        assert bool(steps.any()) == has_letters


@pytest.mark.parametrize("prompt", ["white snow", "black night", "grey", "red", "yellow sun", "a storm at sea", "x"])
def test_letters_stand_out_from_what_is_behind_them(prompt: str) -> None:
    band = shown(asked(f"{prompt} MMMM"))[890:975, 64:500]
    lightest, darkest = (
        luminance(tuple(int(level) for level in np.percentile(band.reshape(-1, 3), share, axis=0)))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - three of them
        for share in (98, 2)
    )
    assert (lightest + 0.05) / (darkest + 0.05) > 4.5  # WCAG's contrast for text


def test_reference_is_shown() -> None:
    tiger = np.array(Image.open(io.BytesIO(TIGER.data)).convert("RGB").resize((360, 240)), dtype=np.uint8)
    middle = np.array(paint(asked("x", TIGER, task=ImageTask.ADJUST)), dtype=np.uint8)[279:519, 332:692]
    without = shown(asked("x", task=ImageTask.ADJUST))[279:519, 332:692]
    assert distance(middle, tiger) < distance(without, tiger) / 2


@pytest.mark.parametrize("count", [1, 2, 3, 4, 16])
def test_any_number_of_references_has_its_place(count: int) -> None:
    assert paint(asked("A group portrait", *([TIGER, CAR] * 8)[:count])).size == (1024, 1024)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 2)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
def test_reference_of_any_form_is_shown(size: tuple[int, int], mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, size).save(out, "PNG")
    assert paint(asked("x", Reference(out.getvalue(), "image/png"))).size == (1024, 1024)


async def test_unreadable_reference_says_what_to_do() -> None:
    with pytest.raises(AppError) as failed:
        await made(asked("x", Reference(TIGER.data[:2000], "image/jpeg")))
    assert (failed.value.code, failed.value.retryable) == (ErrorCode.SOURCE_IMAGE_MISSING, False)
    assert "Upload it again" in failed.value.message


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("  A  lighthouse\nat\tdusk ", "A lighthouse at dusk"),
        ("Größe, Übermut & Łódź", "Grosse, Ubermut & Lodz"),
        ("“Quoted” – it’s fine", "“Quoted” it’s fine"),  # noqa: RUF001 - as it is typed
        ("\x1b[31m\u202eevil\x00\ud800", "[31m evil"),
        ("夢", ""),
        ("", ""),
        ("word " * 60, " ".join(["word"] * 21) + " word…"),
    ],
)
def test_caption_is_what_the_type_can_show(text: str, caption: str) -> None:
    assert read(text).caption == caption


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    words = read(text)
    assert len(words.caption) <= 111
    assert len(words.colours) <= 3
    assert palette_of(words, Dice.of(text.encode(errors="replace")))


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300))
def test_any_text_is_painted(text: str) -> None:
    assert paint(asked(text)).size == (1024, 1024)


@pytest.mark.parametrize("prompt", ["x" * 400, "W" * 60 + " a", "a " * 300, "'" * 50])
def test_long_words_and_many_words_stay_on_the_sheet(prompt: str) -> None:
    lower_right = shown(asked(prompt))[780:, -50:].mean(axis=-1)  # beyond the last letter a line can have
    assert (np.abs(np.diff(lower_right, axis=1)) < 60).all()


def test_dice_fall_the_same_way_everywhere() -> None:
    dice = Dice.of(b"a", b"b")
    assert [dice.whole(1, 6) for _ in range(8)] == [4, 1, 2, 6, 4, 6, 3, 1]
    assert Dice.of(b"a", b"b").seed != Dice.of(b"ab").seed


@given(st.binary(max_size=8), st.integers(-5, 5), st.integers(0, 9))
def test_dice_stay_in_their_bounds(seed: bytes, low: int, more: int) -> None:
    dice = Dice.of(seed)
    assert all(low <= dice.whole(low, low + more) <= low + more for _ in range(20))
    assert all(low <= dice.between(low, low + 1) < low + 1 for _ in range(20))


async def test_two_pictures_at_most_are_worked_on_at_once() -> None:
    model = MockImageModel()
    running = [model.run(asked(f"Picture {number}")) for number in range(3)]
    assert isinstance(await anext(running[0]), Stage)
    assert isinstance(await anext(running[1]), Stage)
    third = asyncio.ensure_future(anext(running[2]))
    await asyncio.sleep(0)
    assert not third.done()
    await running[0].aclose()
    assert isinstance(await third, Stage)
    for one in running[1:]:
        await one.aclose()
