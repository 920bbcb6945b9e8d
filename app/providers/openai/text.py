"""OpenAI's models that write."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import openai
import orjson
from pydantic import BaseModel, ValidationError

from app.costs.usage import Unit, Usage, tokens_of
from app.providers.openai.client import Answer, OpenAIClient
from app.providers.openai.faults import invalid
from app.providers.openai.frames import Event
from app.providers.openai.responses import EVENT_BYTES, Finished, finished
from app.providers.ports.model import Source, Stage
from app.providers.ports.text import StructuredAnswer, TextPiece, TextRequest

_SETTING = "OPENAI_TEXT_MODEL"
_MISFITS = 5  # told of one answer
_SHAPE_TOKENS, _ANSWER_TOKENS = 1_000, 4_000  # what the shape takes; an answer of two pages and thinking about it


@dataclass(frozen=True, slots=True)
class OpenAITextModel:
    """Structured text of the Responses API; implements `TextModel`.

    `model` is one that keeps to a JSON schema. Nothing is stored at OpenAI.
    """

    client: OpenAIClient
    model: str

    @property
    def name(self) -> str:
        """`openai`."""
        return "openai"

    @property
    def source(self) -> Source:
        """A provider's model."""
        return Source.PROVIDER

    def expected_usage[Shape: BaseModel](self, request: TextRequest[Shape]) -> Usage:
        """The instructions, the text and the shape; a long answer."""
        return {
            Unit.INPUT_TEXT_TOKENS: tokens_of(request.instructions) + tokens_of(request.text) + _SHAPE_TOKENS,
            Unit.OUTPUT_TEXT_TOKENS: _ANSWER_TOKENS,
            Unit.CALLS: 1,
        }

    async def structured[Shape: BaseModel](
        self, request: TextRequest[Shape]
    ) -> AsyncGenerator[Stage | TextPiece | StructuredAnswer[Shape]]:
        """Yield a stage, the pieces as they are written, then the answer; a cancelled call ends its connection.

        Raises:
            AppError: as `OpenAIClient.answer`; CONTENT_BLOCKED for a refusal; retryable INVALID_ANSWER when the
                answer was cut off or has another shape.
        """
        yield Stage("asking OpenAI", 5)
        model = request.model or self.model
        async with self.client.answer(model, _SETTING, partial(_ask, request, model)) as answer:
            yield Stage("writing", 10)
            async with aclosing(answer.events(EVENT_BYTES)) as events:
                async for event in events:
                    if (piece := _piece(event)) is not None:
                        yield piece
                    elif (response := finished(event, answer)) is not None:
                        value = _parsed(response, request.shape, answer)
                        yield StructuredAnswer(value, self.source, model, response.used, answer.request_id)


async def _ask[Shape: BaseModel](
    request: TextRequest[Shape], model: str, vendor: openai.AsyncOpenAI
) -> openai.AsyncStream[Any]:
    tool = openai.pydantic_function_tool(request.shape, name="answer")  # the SDK's way to a strict schema
    return await vendor.responses.create(
        model=model,
        instructions=request.instructions,
        input=[{"role": "user", "content": [{"type": "input_text", "text": request.text}]}],
        text={
            "format": {
                "type": "json_schema",
                "name": "answer",
                "strict": True,
                "schema": tool["function"].get("parameters", {}),
            }
        },
        safety_identifier=request.end_user or openai.omit,
        store=False,
        stream=True,
    )


def _piece(event: Event) -> TextPiece | None:
    delta: object = event.fields.get("delta")
    return TextPiece(delta) if event.kind == "response.output_text.delta" and isinstance(delta, str) else None


def _parsed[Shape: BaseModel](response: Finished, shape: type[Shape], answer: Answer) -> Shape:
    try:
        return shape.model_validate_json(response.text)
    except ValidationError as error:  # its text quotes the answer
        what = f"has another shape than the one asked for ({_misfits(error, shape)})"
        raise invalid(what, answer.request_id, response.told) from None


def _misfits(error: ValidationError, shape: type[BaseModel]) -> str:
    """Where the answer does not fit, and how, without a word of it."""
    known = orjson.dumps(shape.model_json_schema()).decode()

    def shown(part: str | int) -> str:
        return str(part) if isinstance(part, int) or f'"{part}"' in known else "…"

    found = error.errors(include_url=False, include_context=False, include_input=False)
    named = [f"{'.'.join(map(shown, one['loc'])) or 'the whole'}: {one['type']}" for one in found]
    more = len(named) - _MISFITS
    return "; ".join(named[:_MISFITS]) + (f"; and {more} more" if more > 0 else "")
