"""OpenAI's models that make pictures."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import openai
from pydantic import BaseModel, ValidationError

from app.costs.usage import Unit, Usage, tokens_of
from app.errors import AppError, ErrorCode, FailedCall
from app.providers.openai.client import LAST, Answer, OpenAIClient
from app.providers.openai.frames import Event
from app.providers.ports.image import ImageRequest, MadePicture, Preview
from app.providers.ports.model import Source, Stage

_SETTING = "OPENAI_IMAGE_MODEL"
_FORMAT: Final = "webp"
_EVENT_BYTES = 32 * 1024 * 1024  # a picture of 24 MB
_PICTURE_TOKENS, _PREVIEW_TOKENS, _REFERENCE_TOKENS = 6_500, 100, 4_500  # of the largest, in high quality
_BEGUN, _PAINTED = 10, 90


@dataclass(frozen=True, slots=True)
class OpenAIImageModel:
    """Pictures of the Images API, streamed; implements `ImageModel`.

    Without references it makes one of the prompt, with references (16 at most) it edits them.
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

    def expected_usage(self, request: ImageRequest) -> Usage:
        """One large picture in high quality, its previews and its references."""
        return {
            Unit.INPUT_TEXT_TOKENS: tokens_of(request.prompt),
            Unit.INPUT_IMAGE_TOKENS: _REFERENCE_TOKENS * len(request.references),
            Unit.OUTPUT_IMAGE_TOKENS: _PICTURE_TOKENS + _PREVIEW_TOKENS * request.previews,
            Unit.PICTURES: 1,
            Unit.CALLS: 1,
        }

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        """Yield stages and previews, then the picture; a cancelled call ends its connection.

        Raises:
            AppError: as `OpenAIClient.answer`; retryable NO_IMAGE_RETURNED.
        """
        yield Stage("asking OpenAI", 5)
        model, seen = request.model or self.model, 0
        async with self.client.answer(model, _SETTING, partial(_ask, request, model)) as answer:
            yield Stage("painting", _BEGUN)
            async with aclosing(answer.events(_EVENT_BYTES)) as events:
                async for event in events:
                    if event.kind in LAST:
                        yield self._made(event, model, answer)
                    elif event.picture is not None and seen < request.previews:
                        seen += 1
                        # the look first: who tells no more than so much a second shows it at once
                        yield Preview(event.picture, _media_type(event))
                        yield Stage("painting", _BEGUN + (_PAINTED - _BEGUN) * seen // (request.previews + 1))

    def _made(self, event: Event, model: str, answer: Answer) -> MadePicture:
        if event.picture is None:
            message = "OpenAI answered without a picture. Try again, or word the wish anew."
            call = FailedCall(answer.request_id, maybe_billed=True)
            raise AppError(ErrorCode.NO_IMAGE_RETURNED, message, retryable=True, call=call)
        return MadePicture(
            event.picture,
            _media_type(event),
            self.source,
            model,
            usage=_used(event),
            provider_request_id=answer.request_id,
        )


async def _ask(request: ImageRequest, model: str, vendor: openai.AsyncOpenAI) -> openai.AsyncStream[Any]:
    end_user = request.end_user or openai.omit
    if not request.references:
        return await vendor.images.generate(
            prompt=request.prompt,
            model=model,
            output_format=_FORMAT,
            partial_images=request.previews,
            safety_identifier=end_user,
            stream=True,
        )
    return await vendor.images.edit(
        # With their types: bytes alone would travel as application/octet-stream, which is refused.
        image=[
            (f"{number}.{one.media_type.removeprefix('image/')}", one.data, one.media_type)
            for number, one in enumerate(request.references, 1)
        ],
        prompt=request.prompt,
        model=model,
        output_format=_FORMAT,
        partial_images=request.previews,
        safety_identifier=end_user,
        stream=True,
    )


def _media_type(event: Event) -> str:
    return f"image/{event.fields.get('output_format') or _FORMAT}"


class _Tokens(BaseModel):
    text_tokens: int = 0
    image_tokens: int = 0


class _Cached(BaseModel):
    cached_text_tokens: int = 0
    cached_image_tokens: int = 0


class _Usage(BaseModel):
    """What OpenAI counts; the optional parts are as in the tool usage of its Responses API."""

    output_tokens: int
    input_tokens_details: _Tokens
    cached_tokens_details: _Cached | None = None
    output_tokens_details: _Tokens | None = None


def _used(event: Event) -> Usage:
    """What is billed; a usage that is not as documented is left out: the picture is there all the same."""
    made = {Unit.PICTURES: 1, Unit.CALLS: 1}
    try:
        usage = _Usage.model_validate(event.fields.get("usage"))
    except ValidationError:
        return made
    read, cached = usage.input_tokens_details, usage.cached_tokens_details or _Cached()
    written = (usage.output_tokens_details or _Tokens()).text_tokens
    return {
        Unit.INPUT_TEXT_TOKENS: max(0, read.text_tokens - cached.cached_text_tokens),
        Unit.INPUT_IMAGE_TOKENS: max(0, read.image_tokens - cached.cached_image_tokens),
        Unit.CACHED_INPUT_TOKENS: cached.cached_text_tokens + cached.cached_image_tokens,
        Unit.OUTPUT_TEXT_TOKENS: written,
        Unit.OUTPUT_IMAGE_TOKENS: max(0, usage.output_tokens - written),
        **made,
    }
