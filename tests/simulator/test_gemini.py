"""Pictures of Gemini's, through Google's own SDK."""

import hashlib
from typing import Any

import httpx2
import pytest
from google.genai import errors, types

from app.simulator.scenario import Operation, Scenario
from app.simulator.simulator import Simulator
from tests.simulator.conftest import GeminiOf, decoded, png

pytestmark = pytest.mark.timeout(60)
_MODEL = "gemini-3.1-flash-image"


async def _ask(gemini_of: GeminiOf, scenario: Scenario = Scenario.FINE, **image: Any) -> types.GenerateContentResponse:
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(**image) if image else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    parts = [types.Part.from_bytes(data=png(8, 8), mime_type="image/png"), types.Part(text="Make it shine")]
    answering = gemini_of(scenario).aio.models
    return await answering.generate_content(model=_MODEL, contents=types.UserContent(parts=parts), config=config)


def _pictures(answer: types.GenerateContentResponse) -> list[bytes]:
    return [part.inline_data.data for part in answer.parts or [] if part.inline_data and part.inline_data.data]


async def test_same_request_gives_the_same_picture(gemini_of: GeminiOf) -> None:
    first, second = [await _ask(gemini_of) for _ in range(2)]
    assert _pictures(first) == _pictures(second)
    assert len(_pictures(first)) == 1
    assert first.response_id == second.response_id is not None


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ({}, (1024, 1024)),
        ({"aspect_ratio": "16:9"}, (1344, 768)),
        ({"aspect_ratio": "3:4", "image_size": "512"}, (432, 592)),
    ],
)
async def test_size_is_that_of_the_ratio(gemini_of: GeminiOf, image: dict[str, Any], size: tuple[int, int]) -> None:
    assert [decoded(one).size for one in _pictures(await _ask(gemini_of, **image))] == [size]


async def test_usage_counts_each_modality(gemini_of: GeminiOf) -> None:
    usage = (await _ask(gemini_of)).usage_metadata
    assert usage is not None
    assert [one.modality for one in usage.prompt_tokens_details or []] == ["TEXT", "IMAGE"]
    assert [one.modality for one in usage.candidates_tokens_details or []] == ["IMAGE"]


async def test_what_came_is_noted_without_the_key(gemini_of: GeminiOf, simulator: Simulator) -> None:
    await _ask(gemini_of)
    call = simulator.calls[-1]
    assert (call.operation, call.model, call.prompt) == (Operation.GEMINI_GENERATE, _MODEL, "Make it shine")
    assert call.references == (hashlib.sha256(png(8, 8)).hexdigest(),)
    assert "x-goog-api-key" not in call.headers


@pytest.mark.parametrize(
    ("scenario", "code", "status"),
    [
        (Scenario.REJECTED_KEY, 400, "INVALID_ARGUMENT"),
        (Scenario.RATE_LIMITED, 429, "RESOURCE_EXHAUSTED"),
        (Scenario.EMPTY_QUOTA, 429, "RESOURCE_EXHAUSTED"),
        (Scenario.MODEL_GONE, 404, "NOT_FOUND"),
        (Scenario.FAILING, 500, "INTERNAL"),
        (Scenario.UNAVAILABLE, 503, "UNAVAILABLE"),
    ],
)
async def test_sdk_raises_what_the_scenario_means(
    gemini_of: GeminiOf, scenario: Scenario, code: int, status: str
) -> None:
    with pytest.raises(errors.APIError) as raised:
        await _ask(gemini_of, scenario)
    assert (raised.value.code, raised.value.status) == (code, status)


async def test_delay_stands_in_the_details_only_where_it_is_asked_for(gemini_of: GeminiOf) -> None:
    told: list[bool] = []
    for scenario in (Scenario.RATE_LIMITED, Scenario.RATE_LIMITED_RETRY_AFTER):
        with pytest.raises(errors.ClientError) as raised:
            await _ask(gemini_of, scenario)
        told.append("'retryDelay': '1s'" in str(raised.value))
    assert told == [False, True]


@pytest.mark.parametrize(
    ("scenario", "finish"), [(Scenario.IMAGE_SAFETY, "IMAGE_SAFETY"), (Scenario.NO_IMAGE, "NO_IMAGE")]
)
async def test_answer_without_parts_says_why(gemini_of: GeminiOf, scenario: Scenario, finish: str) -> None:
    answer = await _ask(gemini_of, scenario)
    assert answer.candidates
    assert (answer.candidates[0].finish_reason, answer.parts) == (finish, None)


async def test_blocked_prompt_has_no_candidates_and_a_reason(gemini_of: GeminiOf) -> None:
    answer = await _ask(gemini_of, Scenario.BLOCKED_PROMPT)
    assert answer.candidates is None
    assert answer.prompt_feedback is not None
    assert answer.prompt_feedback.block_reason == "PROHIBITED_CONTENT"


async def test_empty_answer_has_neither(gemini_of: GeminiOf) -> None:
    answer = await _ask(gemini_of, Scenario.EMPTY_CANDIDATES)
    assert (answer.candidates, answer.prompt_feedback) == (None, None)


async def test_text_only_has_words_and_no_picture(gemini_of: GeminiOf) -> None:
    answer = await _ask(gemini_of, Scenario.TEXT_ONLY)
    assert answer.text
    assert _pictures(answer) == []


@pytest.mark.parametrize("scenario", [Scenario.CUT_STREAM, Scenario.SILENT_CLOSE])
async def test_broken_connection_is_a_transport_error(gemini_of: GeminiOf, scenario: Scenario) -> None:
    with pytest.raises(httpx2.TransportError):
        await _ask(gemini_of, scenario)


async def test_models_are_told_apart_from_openais_at_the_same_path(gemini_of: GeminiOf, simulator: Simulator) -> None:
    client = gemini_of(Scenario.FINE)
    names = [model.name async for model in await client.aio.models.list()]
    assert f"models/{_MODEL}" in names
    assert (await client.aio.models.get(model=_MODEL)).name == f"models/{_MODEL}"
    async with httpx2.AsyncClient(base_url=simulator.url) as http:
        google = (await http.get("/v1/models", headers={"x-goog-api-key": "k"})).json()
        openai = (await http.get("/v1/models", headers={"authorization": "Bearer k"})).json()
    assert google["models"]
    assert openai["object"] == "list"
