"""Texts of OpenAI's, through its own SDK."""

import base64
from enum import StrEnum
from typing import Annotated, Any

import openai as sdk
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel, Field, ValidationError

from app.simulator.call import prompt_hash
from app.simulator.pictures import HUGE_BYTES
from app.simulator.scenario import Scenario
from app.simulator.simulator import Simulator
from tests.simulator.conftest import OpenAIOf, png

pytestmark = pytest.mark.timeout(60)
_MODEL = "gpt-6-luna"


class Mood(StrEnum):
    CALM = "calm"
    WILD = "wild"


class Symbol(BaseModel):
    name: str
    meaning: str | None
    weight: Annotated[float, Field(ge=0, le=1)]
    inner: "Symbol | None"


class Dream(BaseModel):
    narrative: Annotated[str, Field(min_length=200)]
    mood: Mood
    symbols: Annotated[list[Symbol], Field(min_length=2, max_length=4)]
    emotions: list[str]
    nights: Annotated[int, Field(ge=3, le=5)]
    is_lucid: bool


async def _parsed(client: AsyncOpenAI, text: str = "I fell up a staircase.") -> Any:
    return await client.responses.parse(
        model=_MODEL, instructions="Interpret it.", input=text, text_format=Dream, store=False
    )


async def test_structured_text_fits_the_schema_of_the_request(openai: AsyncOpenAI) -> None:
    answer = await _parsed(openai)
    dream: Dream = answer.output_parsed
    assert isinstance(dream, Dream)
    assert 2 <= len(dream.symbols) <= 4
    assert answer.status == "completed"
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0


async def test_same_text_is_answered_the_same_and_another_one_otherwise(openai: AsyncOpenAI) -> None:
    answers = [(await _parsed(openai, text)).output_parsed for text in ("one", "one", "two")]
    assert answers[0] == answers[1] != answers[2]


async def test_stream_tells_the_same_in_pieces(openai: AsyncOpenAI) -> None:
    whole = await _parsed(openai)
    async with openai.responses.stream(
        model=_MODEL, instructions="Interpret it.", input="I fell up a staircase.", text_format=Dream, store=False
    ) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    types = list(dict.fromkeys(event.type for event in events))
    assert types == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 2
    assert "".join(deltas) == whole.output_text
    assert final.output_parsed == whole.output_parsed


async def test_vision_says_how_many_pictures_came_and_the_prompts_hash(
    openai: AsyncOpenAI, simulator: Simulator
) -> None:
    url = "data:image/png;base64," + base64.b64encode(png(8, 8)).decode()
    parts: list[Any] = [{"type": "input_text", "text": "What is it?"}]
    parts += [{"type": "input_image", "image_url": url, "detail": "low"}] * 2
    answer = await openai.responses.create(model=_MODEL, input=[{"role": "user", "content": parts}])
    assert "2 pictures" in answer.output_text
    assert prompt_hash("What is it?") in answer.output_text
    assert len(simulator.calls[-1].references) == 2


async def test_refusal_is_a_part_of_its_own(openai_of: OpenAIOf) -> None:
    answer = await _parsed(openai_of(Scenario.REFUSAL))
    assert answer.output_parsed is None
    assert answer.output[0].content[0].type == "refusal"


async def test_refusal_is_streamed_too(openai_of: OpenAIOf) -> None:
    stream = await openai_of(Scenario.REFUSAL).responses.create(model=_MODEL, input="a", stream=True)
    types = [event.type async for event in stream]
    assert {"response.refusal.delta", "response.refusal.done"} <= set(types)
    assert types[-1] == "response.completed"


async def test_truncated_text_is_incomplete_and_does_not_parse(openai_of: OpenAIOf) -> None:
    client = openai_of(Scenario.TRUNCATED)
    answer = await client.responses.create(model=_MODEL, input="a")
    assert answer.incomplete_details is not None
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    with pytest.raises(ValidationError):
        await _parsed(client)


async def test_truncated_stream_ends_as_incomplete(openai_of: OpenAIOf) -> None:
    stream = await openai_of(Scenario.TRUNCATED).responses.create(model=_MODEL, input="a", stream=True)
    assert [event.type async for event in stream][-1] == "response.incomplete"


async def test_content_filter_makes_it_incomplete(openai_of: OpenAIOf) -> None:
    answer = await openai_of(Scenario.MODERATION).responses.create(model=_MODEL, input="a")
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "content_filter"


async def test_other_shape_does_not_parse(openai_of: OpenAIOf) -> None:
    with pytest.raises(ValidationError):
        await _parsed(openai_of(Scenario.WRONG_SHAPE))


async def test_blocked_prompt_is_a_bad_request(openai_of: OpenAIOf) -> None:
    with pytest.raises(sdk.BadRequestError) as refused:
        await _parsed(openai_of(Scenario.BLOCKED_PROMPT))
    assert refused.value.code == "invalid_prompt"


async def test_empty_answer_has_no_output(openai_of: OpenAIOf) -> None:
    answer = await openai_of(Scenario.EMPTY_CANDIDATES).responses.create(model=_MODEL, input="a")
    assert (answer.status, answer.output) == ("completed", [])


async def test_huge_text_parses(openai_of: OpenAIOf) -> None:
    answer = await _parsed(openai_of(Scenario.HUGE))
    assert len(answer.output_text) == HUGE_BYTES
    assert isinstance(answer.output_parsed, Dream)


async def test_request_without_input_says_what_is_missing(openai: AsyncOpenAI) -> None:
    with pytest.raises(sdk.BadRequestError, match="'input'"):
        await openai.responses.create(model=_MODEL)
