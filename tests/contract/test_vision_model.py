"""What every vision model must do, whoever looks."""

import asyncio
import io
from collections.abc import AsyncIterator
from functools import partial

import pytest
from PIL import Image, ImageDraw

from app.errors import AppError, ErrorCode
from app.providers.ports.model import Reference, Source
from app.providers.ports.vision import Description, VisionModel, VisionRequest
from app.simulator.desk import Desk
from app.simulator.scenario import Scenario
from app.simulator.simulator import Simulator
from tests.contract.models import (
    VISION_MODELS,
    Meaning,
    Subject,
    check_failure,
    check_usage,
    nothing_left_behind,
    vision_subject,
)

pytestmark = pytest.mark.timeout(60)


def _photo(colour: str) -> Reference:
    image = Image.new("RGB", (480, 360), "white")
    ImageDraw.Draw(image).ellipse((160, 100, 320, 260), fill=colour)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return Reference(out.getvalue(), "image/jpeg")


_PHOTO = _photo("#806030")
_REQUEST = VisionRequest("Say what is on the picture.", (_PHOTO,))


@pytest.fixture(params=VISION_MODELS)
async def subject(request: pytest.FixtureRequest, simulator: Simulator) -> AsyncIterator[Subject[VisionModel]]:
    async with vision_subject(request.param, simulator) as subject:
        yield subject


def _came(number: int, seen: Desk) -> bool:
    return seen.came == number


async def _failure(model: VisionModel, request: VisionRequest) -> AppError:
    with pytest.raises(AppError) as caught:
        await model.describe(request)
    return caught.value


async def test_description_has_words_and_says_whose_they_are(subject: Subject[VisionModel]) -> None:
    said = await subject.model.describe(_REQUEST)
    assert isinstance(said, Description)
    assert said.text.strip()
    assert "\n" not in said.text  # one paragraph
    assert (said.source, said.model) == (subject.model.source, subject.model.model)
    assert bool(said.provider_request_id) == (said.source is Source.PROVIDER)


async def test_same_pictures_give_the_same_words(subject: Subject[VisionModel]) -> None:
    first, second = [(await subject.model.describe(_REQUEST)).text for _ in range(2)]
    assert first == second


async def test_all_pictures_are_looked_at(subject: Subject[VisionModel], simulator: Simulator) -> None:
    pictures = tuple(_photo(colour) for colour in ("red", "blue", "green"))
    said = await subject.model.describe(VisionRequest("Compare.", pictures))
    if subject.simulator:
        assert len(simulator.calls[-1].references) == len(pictures)
    else:
        assert all(f"Picture {number}: " in said.text for number in (1, 2, 3))


async def test_usage_can_be_accounted(subject: Subject[VisionModel]) -> None:
    check_usage(subject.model.source, (await subject.model.describe(_REQUEST)).usage)


async def test_expected_usage_is_a_cautious_guess_and_empty_exactly_without_a_provider(
    subject: Subject[VisionModel],
) -> None:
    expected = subject.model.expected_usage(_REQUEST)
    check_usage(subject.model.source, expected)
    used = (await subject.model.describe(_REQUEST)).usage
    assert all(count <= expected.get(unit, 0) for unit, count in used.items() if count)


async def test_nothing_is_left_behind(subject: Subject[VisionModel]) -> None:
    async with nothing_left_behind(subject):
        await subject.model.describe(_REQUEST)


@pytest.mark.parametrize("name", VISION_MODELS)
async def test_cancelling_ends_the_call_and_frees_its_place(name: str, new_simulator: Simulator) -> None:
    new_simulator.hold()
    async with vision_subject(name, new_simulator) as subject, nothing_left_behind(subject):
        for number in range(1, 4):  # more than work at once
            task = asyncio.create_task(subject.model.describe(_REQUEST))
            await asyncio.sleep(0)  # it begins
            if subject.simulator:
                await new_simulator.until(partial(_came, number))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        new_simulator.release()
        assert (await subject.model.describe(_REQUEST)).text


async def test_several_at_once_do_not_mix(subject: Subject[VisionModel]) -> None:
    pictures = tuple(_photo(colour) for colour in ("red", "blue", "green", "gold"))
    requests = [VisionRequest("Compare.", pictures[:count]) for count in (1, 2, 3, 4)]
    alone = [(await subject.model.describe(request)).text for request in requests]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(subject.model.describe(request)) for request in requests]
    assert [task.result().text for task in tasks] == alone
    assert len(set(alone)) == len(requests)


async def test_no_secret_and_no_bytes_are_in_representations(subject: Subject[VisionModel]) -> None:
    said = await subject.model.describe(_REQUEST)
    shown = repr(subject.model) + repr(_REQUEST) + repr(said)
    assert not subject.key or subject.key not in shown
    assert repr(_PHOTO.data[:8])[2:-1] not in shown


async def test_without_a_picture_there_is_nothing_to_describe(subject: Subject[VisionModel]) -> None:
    error = await _failure(subject.model, VisionRequest("Say what is on the picture.", ()))
    assert (error.code, error.retryable) == (ErrorCode.SOURCE_IMAGE_MISSING, False)
    if subject.simulator:
        assert not subject.simulator.calls


@pytest.mark.parametrize("name", ["local"])  # the simulated providers take any bytes for a picture
@pytest.mark.parametrize("data", [b"", b"no picture", _PHOTO.data[:900], b"\x89PNG\r\n\x1a\n" + bytes(99)])
async def test_picture_that_is_none_is_told_apart(name: str, data: bytes, simulator: Simulator) -> None:
    request = VisionRequest("Say what is on the picture.", (Reference(data, "application/octet-stream"),))
    async with vision_subject(name, simulator) as subject, nothing_left_behind(subject):
        error = await _failure(subject.model, request)
    assert error.code in {ErrorCode.SOURCE_IMAGE_MISSING, ErrorCode.BAD_USER_INPUT}
    assert not error.retryable


@pytest.mark.parametrize(
    "meaning",
    [
        Meaning(Scenario.REJECTED_KEY, ErrorCode.PROVIDER_REJECTED_KEY),
        Meaning(Scenario.RATE_LIMITED, ErrorCode.RATE_LIMITED, retryable=True),
        Meaning(Scenario.EMPTY_QUOTA, ErrorCode.QUOTA_EXCEEDED),
        Meaning(Scenario.MODEL_GONE, ErrorCode.PROVIDER_NOT_CONFIGURED),
        Meaning(Scenario.REFUSAL, ErrorCode.CONTENT_BLOCKED),
        Meaning(Scenario.EMPTY_CANDIDATES, ErrorCode.INVALID_ANSWER, retryable=True),
        Meaning(Scenario.UNAVAILABLE, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True),
        Meaning(Scenario.BROKEN_JSON, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, maybe_billed=True),
        Meaning(Scenario.CUT_STREAM, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, maybe_billed=True),
        Meaning(Scenario.SILENT_CLOSE, ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, maybe_billed=True),
    ],
    ids=lambda meaning: meaning.scenario,
)
async def test_failure_has_its_public_code_and_says_what_is_known_of_the_call(
    meaning: Meaning, simulator: Simulator
) -> None:
    async with vision_subject("openai", simulator, meaning.scenario) as subject, nothing_left_behind(subject):
        error = await _failure(subject.model, _REQUEST)
    check_failure(error, meaning, subject.key)
    assert len(simulator.calls) == 1
