"""OpenAI's models that look at pictures."""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import openai
import orjson
from openai.types.responses import Response, ResponseStreamEvent

from app.costs.usage import Unit, Usage, tokens_of
from app.errors import AppError, ErrorCode, FailedCall
from app.providers.openai.client import Answer, OpenAIClient
from app.providers.openai.faults import invalid, unreadable
from app.providers.openai.responses import EVENT_BYTES, Finished, finished
from app.providers.ports.model import Reference, Source
from app.providers.ports.vision import Description, VisionRequest

if TYPE_CHECKING:
    from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

_SETTING = "OPENAI_VISION_MODEL"
_PICTURE_TOKENS, _ANSWER_TOKENS = 500, 1_500  # a picture in low detail; a paragraph and thinking about it
_SLICE_BYTES = 192 * 1024  # a multiple of three, so that the base64 of slices is that of the whole


@dataclass(frozen=True, slots=True)
class OpenAIVisionModel:
    """Descriptions by the Responses API, of pictures in low detail; implements `VisionModel`.

    Nothing is stored at OpenAI.
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

    def expected_usage(self, request: VisionRequest) -> Usage:
        """The instructions and the pictures, which OpenAI counts as text; a paragraph."""
        return {
            Unit.INPUT_TEXT_TOKENS: tokens_of(request.instructions) + _PICTURE_TOKENS * len(request.pictures),
            Unit.OUTPUT_TEXT_TOKENS: _ANSWER_TOKENS,
            Unit.CALLS: 1,
        }

    async def describe(self, request: VisionRequest) -> Description:
        """Say what is on the pictures; a cancelled call ends its connection.

        Raises:
            AppError: as `OpenAIClient.answer`; CONTENT_BLOCKED for a refusal; retryable INVALID_ANSWER for an answer
                that was cut off or has no words; SOURCE_IMAGE_MISSING without a picture.
        """
        if not request.pictures:
            message = "There is no picture to describe."
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, message, call=FailedCall(sent=False))
        model = request.model or self.model
        async with self.client.answer(model, _SETTING, partial(_ask, request, model)) as answer:
            response = await _whole(answer)
            text = " ".join(response.text.split())
            if not text:
                raise invalid("has no words", answer.request_id, response.told)
            return Description(text, self.source, model, response.used, answer.request_id)


async def _whole(answer: Answer) -> Finished:
    async with aclosing(answer.events(EVENT_BYTES)) as events:
        async for event in events:
            if (response := finished(event, answer)) is not None:
                return response
    raise unreadable("can't be read", answer.request_id)  # another kind of answer than a response


async def _ask(request: VisionRequest, model: str, vendor: openai.AsyncOpenAI) -> openai.AsyncStream[Any]:
    """Send the pictures in slices: the SDK would write four of 6 MB into one JSON text and stop the loop for 0.2 s."""
    marks = [uuid4().hex for _ in request.pictures]
    body: ResponseCreateParamsStreaming = {
        "model": model,
        "instructions": request.instructions,
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "detail": "low", "image_url": f"data:{picture.media_type};base64,{mark}"}
                    for picture, mark in zip(request.pictures, marks, strict=True)
                ],
            }
        ],
        "store": False,
        "stream": True,
    }
    if request.end_user:
        body["safety_identifier"] = request.end_user
    json = _around(orjson.dumps(body), marks)
    length = sum(map(len, json)) + sum(4 * -(-len(picture.data) // 3) for picture in request.pictures)
    return await vendor.post(
        "/responses",
        cast_to=Response,
        content=_filled(json, request.pictures),
        options={"headers": {"Content-Length": str(length)}, "security": {"bearer_auth": True}},
        stream=True,
        stream_cls=openai.AsyncStream[ResponseStreamEvent],
    )


def _around(json: bytes, marks: list[str]) -> list[bytes]:
    """The text before, between and after the marks."""
    parts: list[bytes] = []
    for mark in marks:
        before, _, json = json.partition(mark.encode())
        parts.append(before)
    return [*parts, json]


async def _filled(json: list[bytes], pictures: tuple[Reference, ...]) -> AsyncGenerator[bytes]:
    """The text with a picture's base64 in each gap."""
    for part, picture in zip(json, pictures, strict=False):
        yield part
        for at in range(0, len(picture.data), _SLICE_BYTES):
            yield base64.b64encode(picture.data[at : at + _SLICE_BYTES])
    yield json[-1]
