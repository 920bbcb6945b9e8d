"""Pictures of OpenAI's, through its own SDK."""

import base64
import hashlib
from typing import Any

import openai as sdk
import pytest
from openai import AsyncOpenAI

from app.simulator.call import prompt_hash
from app.simulator.pictures import HUGE_BYTES
from app.simulator.scenario import Operation, Scenario
from app.simulator.simulator import Simulator
from tests.simulator.conftest import OpenAIOf, decoded, png

pytestmark = pytest.mark.timeout(60)
_MODEL = "gpt-image-2.6-flare"


def _bytes(text: str | None) -> bytes:
    assert text is not None
    return base64.b64decode(text, validate=True)


async def _streamed(client: AsyncOpenAI, **more: Any) -> list[Any]:
    told: dict[str, Any] = {"model": _MODEL, "prompt": "a cat", "stream": True, **more}
    generate: Any = client.images.generate
    return [event async for event in await generate(**told)]


async def test_same_request_gives_the_same_bytes_and_another_one_others(openai: AsyncOpenAI) -> None:
    answers = [await openai.images.generate(model=_MODEL, prompt=one) for one in ("a cat", "a cat", "a dog")]
    pictures = [_bytes(answer.data[0].b64_json) for answer in answers if answer.data]
    assert pictures[0] == pictures[1] != pictures[2]
    assert answers[0].model_dump() == answers[1].model_dump()


@pytest.mark.parametrize(("format", "type"), [("png", "PNG"), ("webp", "WEBP"), ("jpeg", "JPEG")])
async def test_size_format_and_count_are_as_asked(openai: AsyncOpenAI, format: Any, type: str) -> None:
    answer = await openai.images.generate(model=_MODEL, prompt="a", size="320x192", output_format=format, n=2)
    assert answer.data is not None
    pictures = [_bytes(one.b64_json) for one in answer.data]
    assert [decoded(one).size for one in pictures] == [(320, 192)] * 2
    assert {decoded(one).format for one in pictures} == {type}
    assert pictures[0] != pictures[1]
    assert (answer.size, answer.output_format) == ("320x192", format)


async def test_usage_counts_tokens_of_prompt_references_and_pictures(openai: AsyncOpenAI) -> None:
    files = [("a.png", png(8, 8), "image/png"), ("b.png", png(9, 9), "image/png")]
    answer = await openai.images.edit(model=_MODEL, prompt="shine" * 8, image=files, quality="low")
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.image_tokens > 0
    assert answer.usage.input_tokens_details.text_tokens == 10
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


async def test_stream_has_previews_of_the_same_size_then_the_picture(openai: AsyncOpenAI) -> None:
    events = await _streamed(openai, partial_images=3, output_format="webp")
    assert [event.type for event in events] == [*["image_generation.partial_image"] * 3, "image_generation.completed"]
    assert [event.partial_image_index for event in events[:-1]] == [0, 1, 2]
    pictures = [decoded(_bytes(event.b64_json)) for event in events]
    assert {picture.size for picture in pictures} == {(1024, 1024)}
    whole = await openai.images.generate(model=_MODEL, prompt="a cat", output_format="webp")
    assert whole.data
    assert whole.data[0].b64_json == events[-1].b64_json


async def test_edit_streams_events_of_its_own(openai: AsyncOpenAI) -> None:
    file = ("a.png", png(8, 8), "image/png")
    stream = await openai.images.edit(model=_MODEL, prompt="a cat", image=[file], stream=True, partial_images=1)
    assert [event.type async for event in stream] == ["image_edit.partial_image", "image_edit.completed"]


async def test_what_came_is_noted_with_hashes_and_without_secrets(openai: AsyncOpenAI, simulator: Simulator) -> None:
    data = png(8, 8)
    answer = await openai.images.edit(model=_MODEL, prompt="Make it shine", image=("a.png", data, "image/png"))
    call = simulator.calls[-1]
    assert (call.operation, call.model, call.prompt) == (Operation.OPENAI_EDIT, _MODEL, "Make it shine")
    assert (call.prompt_hash, call.references) == (prompt_hash("Make it shine"), (hashlib.sha256(data).hexdigest(),))
    assert answer._request_id == call.request_id  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - its documented name
    assert "sim-fine" not in str(call)


async def test_files_without_a_type_of_pictures_are_refused(openai: AsyncOpenAI) -> None:
    with pytest.raises(sdk.BadRequestError) as refused:
        await openai.images.edit(model=_MODEL, prompt="a", image=png(8, 8))
    assert refused.value.code == "unsupported_file_mimetype"


@pytest.mark.parametrize("wrong", [{"size": "9x9999"}, {"n": 11}, {"output_format": "tiff"}, {"prompt": ""}])
async def test_wrong_parameter_is_refused(openai: AsyncOpenAI, wrong: dict[str, Any]) -> None:
    with pytest.raises(sdk.BadRequestError):
        await _streamed(openai, **wrong)


async def test_address_without_a_version_serves_too(openai_of: OpenAIOf, simulator: Simulator) -> None:
    client = openai_of(base_url=simulator.url)
    assert (await client.images.generate(model=_MODEL, prompt="a", size="64x64")).data
    assert (await client.models.retrieve("gpt-6-luna")).id == "gpt-6-luna"


@pytest.mark.parametrize(
    ("scenario", "error", "code"),
    [
        (Scenario.REJECTED_KEY, sdk.AuthenticationError, "invalid_api_key"),
        (Scenario.RATE_LIMITED, sdk.RateLimitError, "rate_limit_exceeded"),
        (Scenario.EMPTY_QUOTA, sdk.RateLimitError, "insufficient_quota"),
        (Scenario.MODERATION, sdk.BadRequestError, "moderation_blocked"),
        (Scenario.MODEL_GONE, sdk.NotFoundError, "model_not_found"),
        (Scenario.FAILING, sdk.InternalServerError, None),
        (Scenario.UNAVAILABLE, sdk.InternalServerError, "server_overloaded"),
    ],
)
async def test_sdk_raises_what_the_scenario_means(
    openai_of: OpenAIOf, scenario: Scenario, error: type[sdk.APIStatusError], code: str | None
) -> None:
    with pytest.raises(error) as raised:
        await openai_of(scenario).images.generate(model=_MODEL, prompt="a")
    assert raised.value.code == code
    assert raised.value.request_id is not None


async def test_retry_after_stands_in_the_header_only_where_it_is_asked_for(openai_of: OpenAIOf) -> None:
    waits: list[str | None] = []
    for scenario in (Scenario.RATE_LIMITED, Scenario.RATE_LIMITED_RETRY_AFTER):
        with pytest.raises(sdk.RateLimitError) as raised:
            await openai_of(scenario).images.generate(model=_MODEL, prompt="a")
        waits.append(raised.value.response.headers.get("retry-after"))
    assert waits == [None, "1"]


async def test_truncated_stream_ends_without_an_exception_and_without_its_last_event(openai_of: OpenAIOf) -> None:
    events = await _streamed(openai_of(Scenario.TRUNCATED), partial_images=2)
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2


async def test_cut_stream_breaks_after_its_previews(openai_of: OpenAIOf) -> None:
    stream = await openai_of(Scenario.CUT_STREAM).images.generate(
        model=_MODEL, prompt="a", stream=True, partial_images=2, output_format="webp"
    )
    events = aiter(stream)
    assert [(await anext(events)).type for _ in range(2)] == ["image_generation.partial_image"] * 2
    with pytest.raises(sdk.APIConnectionError):
        await anext(events)


async def test_empty_stream_has_no_event(openai_of: OpenAIOf) -> None:
    assert await _streamed(openai_of(Scenario.EMPTY_CANDIDATES), partial_images=2) == []


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
async def test_huge_picture_is_one_of_exactly_6_mebibytes(openai_of: OpenAIOf, format: Any) -> None:
    client = openai_of(Scenario.HUGE)
    answer = await client.images.generate(model=_MODEL, prompt="a", output_format=format, size="256x256")
    assert answer.data
    data = _bytes(answer.data[0].b64_json)
    assert len(data) == HUGE_BYTES
    assert decoded(data).size == (256, 256)


async def test_half_a_picture_is_base64_but_no_picture(openai_of: OpenAIOf) -> None:
    answer = await openai_of(Scenario.TRUNCATED).images.generate(model=_MODEL, prompt="a", size="256x256")
    assert answer.data
    with pytest.raises(OSError, match="truncated"):
        decoded(_bytes(answer.data[0].b64_json))


async def test_one_model_tells_when_it_shuts_down(openai: AsyncOpenAI) -> None:
    dates = {model.id: model.shutdown_date async for model in openai.models.list()}
    assert dates["gpt-image-2.6-flare"] is None
    assert dates["gpt-4o-mini"] == "2027-01-14"
    with pytest.raises(sdk.NotFoundError):
        await openai.models.retrieve("gpt-2")
