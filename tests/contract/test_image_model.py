"""What every image model must do, whoever makes the pictures."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from app.errors import AppError, ErrorCode, FailedCall
from app.pictures.made import describe
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Reference, Source, Stage
from app.simulator.scenario import Scenario
from app.simulator.simulator import Simulator
from tests.contract.models import (
    IMAGE_MODELS,
    Meaning,
    Subject,
    check_failure,
    check_usage,
    image_subject,
    nothing_left_behind,
    updates_of,
)

pytestmark = pytest.mark.timeout(60)
_SECRET_WISH = "Make the amulet of my grandmother shine"


def _photo() -> bytes:
    image = Image.new("RGB", (480, 360), "#b8b8c0")
    ImageDraw.Draw(image).ellipse((160, 100, 320, 260), fill="#806030")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return out.getvalue()


_PHOTO = _photo()
_REQUEST = ImageRequest(
    ImageTask.REPLACE_BACKGROUND,
    f"Replace the background with white. {_SECRET_WISH}",
    (Reference(_PHOTO, "image/jpeg"),),
    (_SECRET_WISH,),
    "white",
    previews=2,
)


@pytest.fixture(params=IMAGE_MODELS)
async def subject(request: pytest.FixtureRequest, simulator: Simulator) -> AsyncIterator[Subject[ImageModel]]:
    async with image_subject(request.param, simulator) as subject:
        yield subject


@pytest.fixture(params=["local", "mock"])
async def unprovided(request: pytest.FixtureRequest, simulator: Simulator) -> AsyncIterator[Subject[ImageModel]]:
    async with image_subject(request.param, simulator) as subject:
        yield subject


async def _made(model: ImageModel, request: ImageRequest = _REQUEST) -> MadePicture:
    (picture,) = [one for one in await updates_of(model.run(request)) if isinstance(one, MadePicture)]
    return picture


async def _failure(model: ImageModel, request: ImageRequest = _REQUEST) -> AppError:
    with pytest.raises(AppError) as caught:
        await updates_of(model.run(request))
    return caught.value


async def test_first_comes_a_stage_and_last_the_one_picture(subject: Subject[ImageModel]) -> None:
    first, *middle, last = await updates_of(subject.model.run(_REQUEST))
    assert isinstance(first, Stage)
    assert isinstance(last, MadePicture)
    assert all(isinstance(update, Stage | Preview) for update in middle)


async def test_percent_of_the_stages_only_rises(subject: Subject[ImageModel]) -> None:
    stages = [update for update in await updates_of(subject.model.run(_REQUEST)) if isinstance(update, Stage)]
    percents = [stage.percent for stage in stages]
    assert percents == sorted(percents)
    assert all(0 <= percent <= 100 for percent in percents)
    assert all(stage.name for stage in stages)


async def test_picture_can_be_decoded_and_is_of_the_type_it_names(subject: Subject[ImageModel]) -> None:
    made = await _made(subject.model)
    assert describe(made.data).media_type == made.media_type


async def test_previews_can_be_decoded_and_are_of_the_type_they_name(subject: Subject[ImageModel]) -> None:
    previews = [update for update in await updates_of(subject.model.run(_REQUEST)) if isinstance(update, Preview)]
    assert len(previews) <= max(1, _REQUEST.previews)
    assert [describe(one.data).media_type for one in previews] == [one.media_type for one in previews]


async def test_no_reference_is_needed_to_create(simulator: Simulator) -> None:
    request = ImageRequest(ImageTask.CREATE, "A lighthouse at dusk", ())
    for name in ("mock", "gemini", "openai"):
        async with image_subject(name, simulator) as subject:
            assert describe((await _made(subject.model, request)).data).width > 0


async def test_result_says_who_made_it(subject: Subject[ImageModel]) -> None:
    made = await _made(subject.model)
    assert (made.source, made.model) == (subject.model.source, subject.model.model)
    assert bool(made.provider_request_id) == (made.source is Source.PROVIDER)


async def test_model_of_the_request_is_the_one_that_is_asked(simulator: Simulator) -> None:
    for name in ("gemini", "openai"):
        async with image_subject(name, simulator) as subject:
            made = await _made(subject.model, replace(_REQUEST, model="another-image"))
            assert (made.model, simulator.calls[-1].model) == ("another-image", "another-image")


async def test_no_more_than_wanted_is_sent(simulator: Simulator) -> None:
    for name in ("gemini", "openai"):
        async with image_subject(name, simulator) as subject:
            simulator.reset()
            await _made(subject.model)
            (call,) = simulator.calls
            assert call.prompt == _REQUEST.prompt
            assert len(call.references) == 1


async def test_same_request_gives_the_same_bytes(unprovided: Subject[ImageModel]) -> None:
    first, second = await updates_of(unprovided.model.run(_REQUEST)), await updates_of(unprovided.model.run(_REQUEST))
    assert first == second


async def test_what_no_provider_made_says_so_to_people(unprovided: Subject[ImageModel]) -> None:
    made = await _made(unprovided.model)
    assert made.source in {Source.LOCAL, Source.MOCK}
    assert "AI model" in (made.note or "")


async def test_usage_can_be_accounted(subject: Subject[ImageModel]) -> None:
    check_usage(subject.model.source, (await _made(subject.model)).usage)


async def test_expected_usage_is_a_cautious_guess_and_empty_exactly_without_a_provider(
    subject: Subject[ImageModel],
) -> None:
    expected = subject.model.expected_usage(_REQUEST)
    check_usage(subject.model.source, expected)
    used = (await _made(subject.model)).usage
    assert all(count <= expected.get(unit, 0) for unit, count in used.items())


async def test_closing_after_each_update_leaves_nothing_behind(simulator: Simulator) -> None:
    for name in IMAGE_MODELS:
        async with image_subject(name, simulator) as subject:
            whole = await updates_of(subject.model.run(_REQUEST))
        for taken in range(1, len(whole)):
            async with (
                image_subject(name, simulator) as subject,
                nothing_left_behind(subject),
                aclosing(subject.model.run(_REQUEST)) as updates,
            ):
                for _ in range(taken):
                    await anext(updates)


async def test_closing_in_the_middle_of_a_stream_ends_the_call(new_simulator: Simulator) -> None:
    new_simulator.hold(after=1)
    async with image_subject("openai", new_simulator) as subject, nothing_left_behind(subject):
        async with aclosing(subject.model.run(_REQUEST)) as updates:
            while not isinstance(await anext(updates), Preview):
                pass
        await new_simulator.until(lambda seen: len(seen.disconnected) == 1)


async def test_one_that_was_closed_leaves_its_place_to_the_next(subject: Subject[ImageModel]) -> None:
    for _ in range(5):  # more than work at once
        async with aclosing(subject.model.run(_REQUEST)) as updates:
            await anext(updates)
    assert (await _made(subject.model)).data


@pytest.mark.parametrize("name", IMAGE_MODELS)
async def test_cancelling_in_the_middle_ends_the_call(name: str, new_simulator: Simulator) -> None:
    new_simulator.hold()
    async with image_subject(name, new_simulator) as subject, nothing_left_behind(subject):
        begun = asyncio.Event()

        async def run() -> None:
            async for _ in subject.model.run(_REQUEST):
                begun.set()

        task = asyncio.create_task(run())
        await begun.wait()
        await subject.until_asked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(new_simulator.disconnected) == (1 if subject.simulator else 0)


async def test_several_at_once_do_not_mix(subject: Subject[ImageModel]) -> None:
    colours = ("white", "navy", "gold", "teal")
    requests = [replace(_REQUEST, prompt=f"Put it on {one}", background=one) for one in colours]
    alone = [(await _made(subject.model, request)).data for request in requests]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_made(subject.model, request)) for request in requests]
    assert [task.result().data for task in tasks] == alone
    assert len(set(alone)) == len(colours)


async def test_nothing_that_is_secret_or_large_is_in_representations(subject: Subject[ImageModel]) -> None:
    updates = await updates_of(subject.model.run(_REQUEST))
    shown = "".join(repr(one) for one in (subject.model, *updates))
    assert not subject.key or subject.key not in shown
    assert _SECRET_WISH not in shown
    assert repr(_PHOTO[:8])[2:-1] not in shown + repr(_REQUEST)
    assert len(shown) < 500 * (1 + len(updates))


@pytest.mark.parametrize("name", ["local", "mock", "openai"])
@pytest.mark.parametrize("data", [b"", b"no picture", _PHOTO[:900], b"\x89PNG\r\n\x1a\n" + bytes(99)])
async def test_reference_that_is_no_picture_is_told_apart(name: str, data: bytes, simulator: Simulator) -> None:
    request = replace(_REQUEST, references=(Reference(data, "application/octet-stream"),))  # which is not even said
    async with image_subject(name, simulator) as subject, nothing_left_behind(subject):
        error = await _failure(subject.model, request)
    assert error.code in {ErrorCode.SOURCE_IMAGE_MISSING, ErrorCode.BAD_USER_INPUT}
    assert not error.retryable


_MEANINGS = (
    Meaning(Scenario.REJECTED_KEY, ErrorCode.PROVIDER_REJECTED_KEY),
    Meaning(Scenario.RATE_LIMITED, ErrorCode.RATE_LIMITED, retryable=True),
    Meaning(Scenario.RATE_LIMITED_RETRY_AFTER, ErrorCode.RATE_LIMITED, retryable=True),
    Meaning(Scenario.EMPTY_QUOTA, ErrorCode.QUOTA_EXCEEDED),
    Meaning(Scenario.MODEL_GONE, ErrorCode.PROVIDER_NOT_CONFIGURED),
    Meaning(Scenario.MODERATION, ErrorCode.CONTENT_BLOCKED),
    Meaning(Scenario.FAILING, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, maybe_billed=True),
    Meaning(Scenario.UNAVAILABLE, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True),
    Meaning(Scenario.BROKEN_JSON, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, maybe_billed=True),
    Meaning(Scenario.WRONG_BASE64, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, maybe_billed=True),
    Meaning(Scenario.CUT_STREAM, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, maybe_billed=True),
    Meaning(Scenario.SILENT_CLOSE, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, maybe_billed=True),
)


@pytest.mark.parametrize("name", ["gemini", "openai"])
@pytest.mark.parametrize("meaning", _MEANINGS, ids=lambda meaning: meaning.scenario)
async def test_failure_has_its_public_code_and_says_what_is_known_of_the_call(
    name: str, meaning: Meaning, simulator: Simulator
) -> None:
    async with image_subject(name, simulator, meaning.scenario) as subject, nothing_left_behind(subject):
        error = await _failure(subject.model)
    check_failure(error, meaning, subject.key, _SECRET_WISH)
    assert len(simulator.calls) == 1


@pytest.mark.parametrize("name", ["gemini", "openai"])
async def test_key_that_can_not_be_sent_reaches_nobody(name: str, simulator: Simulator) -> None:
    async with image_subject(name, simulator, "fine\nx") as subject:  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a key of no scenario
        error = await _failure(subject.model)
    assert (error.code, error.call) == (ErrorCode.PROVIDER_REJECTED_KEY, FailedCall(sent=False))
    assert not simulator.calls
