"""Google Gemini as an image model; the SDK's types and exceptions stay in here."""

import re
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from math import ceil
from types import MappingProxyType
from typing import cast

import anyio
import httpx2
from google import genai
from google.genai import errors, types

from app.costs.usage import Unit, Usage, named, tokens_of
from app.errors import AppError, FailedCall
from app.providers.aside import Aside
from app.providers.gemini.connections import connections
from app.providers.gemini.faults import (
    Fault,
    bad_request,
    blocked,
    lost,
    over_limit,
    rejected_key,
    timed_out,
    unavailable,
    unreadable,
    unsendable_key,
    without_picture,
    wrong_address,
    wrong_model,
)
from app.providers.gemini.usage import usage_of
from app.providers.ports.image import ImageRequest, MadePicture
from app.providers.ports.model import Checkup, Source, Stage
from app.providers.quoting import quote

_SERVER_DEADLINE_MIN_S = 10  # Gemini answers 400 to an X-Server-Timeout below this
_PICTURE_TOKENS, _REFERENCE_TOKENS, _THINKING_TOKENS = 1_500, 1_200, 1_000
_CONFIG = types.GenerateContentConfig(
    response_modalities=["IMAGE"],
    # One call is one request and one bill: the SDK would send more on its own.
    automatic_continuation=False,
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)
_BAD_REQUEST = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.CONTENT_TOO_LARGE, HTTPStatus.UNPROCESSABLE_CONTENT})
_SENDABLE_KEY = re.compile(r"[!-~]+")
_LOST = (httpx2.RequestError, ssl.SSLError, anyio.EndOfStream)  # the last two: what httpx2 lets through untranslated

_BLOCKED: Mapping[str, str] = MappingProxyType(
    {
        "SAFETY": "it may break the safety rules",
        "IMAGE_SAFETY": "the picture may break the safety rules",
        "PROHIBITED_CONTENT": "it may show what is prohibited",
        "IMAGE_PROHIBITED_CONTENT": "the picture may show what is prohibited",
        "BLOCKLIST": "it holds a blocked term",
        "SPII": "it may hold sensitive personal data",
        "RECITATION": "it is too close to an existing work",
        "IMAGE_RECITATION": "the picture is too close to an existing work",
        "LANGUAGE": "its language is not supported",
        "JAILBREAK": "it reads like an attempt to get around the rules",
        "MODEL_ARMOR": "a filter of the account stopped it",
        "ESCALATION": "a filter stopped it",
        "PUP_LIMITED_DISABLED": "the account is limited after a breach of Google's terms",
    }
)
"""Finish reasons that mean a refusal, in words; a blocked prompt's reasons are among them or go unnamed."""


@dataclass(frozen=True, slots=True)
class GeminiImageModel:
    """Pictures of Gemini's image models; implements `ImageModel`.

    `api_key` is not empty, `model` is one that answers with images, `deadline_s` is the longest silence
    of the wire (the whole call's deadline is the caller's), `base_url` null means Google's own address.
    One `run` is one HTTP request, never repeated. `http` is closed with the model, and used `aside`, in a loop of
    its own: the SDK turns pictures into JSON and back wherever it is called.
    """

    api_key: str = field(repr=False)
    model: str
    deadline_s: float
    base_url: str | None = None
    http: httpx2.AsyncClient = field(default_factory=connections, repr=False, compare=False)
    aside: Aside = field(default_factory=Aside, repr=False, compare=False)
    _vendor: genai.Client = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        options = types.HttpOptions(
            base_url=self.base_url,
            timeout=ceil(self.deadline_s * 1000),
            headers={"X-Server-Timeout": str(max(_SERVER_DEADLINE_MIN_S, ceil(self.deadline_s)))},
            httpx_async_client=self.http,
            retry_options=types.HttpRetryOptions(attempts=1),
        )
        # `enterprise` is said aloud, or GOOGLE_GENAI_USE_VERTEXAI would send the key elsewhere.
        vendor = genai.Client(enterprise=False, api_key=self.api_key, http_options=options)
        object.__setattr__(self, "_vendor", vendor)

    @property
    def name(self) -> str:
        """`gemini`."""
        return "gemini"

    @property
    def source(self) -> Source:
        """A provider's model."""
        return Source.PROVIDER

    def expected_usage(self, request: ImageRequest) -> Usage:
        """One picture of 1K, its references, and some thinking about them."""
        return {
            Unit.INPUT_TEXT_TOKENS: tokens_of(request.prompt),
            Unit.INPUT_IMAGE_TOKENS: _REFERENCE_TOKENS * len(request.references),
            Unit.OUTPUT_TEXT_TOKENS: _THINKING_TOKENS,
            Unit.OUTPUT_IMAGE_TOKENS: _PICTURE_TOKENS,
            Unit.PICTURES: 1,
            Unit.CALLS: 1,
        }

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | MadePicture]:
        """Yield stages, then the picture; a cancelled call closes its connection.

        Raises:
            AppError: PROVIDER_REJECTED_KEY, PROVIDER_NOT_CONFIGURED, QUOTA_EXCEEDED, CONTENT_BLOCKED and
                BAD_USER_INPUT; retryable RATE_LIMITED, NO_IMAGE_RETURNED, TEXT_INSTEAD_OF_IMAGE,
                PROVIDER_UNAVAILABLE and TIMEOUT.
        """
        yield Stage("asking Gemini", 10)
        answer = await self._ask(request)
        yield Stage("reading the answer", 95)
        made = _picture(answer)
        if made is None:
            raise self._without_picture(answer)
        used, model = usage_of(answer), request.model or self.model
        yield MadePicture(*made, self.source, model, usage=used, provider_request_id=answer.response_id)

    async def look_up(self) -> Checkup:
        """What Google says of the model; takes no money. It tells no day of a model's end.

        Raises:
            AppError: as `run`.
        """
        async with self._asking(self.model):
            await self.aside.run(partial(self._vendor.aio.models.get, model=self.model))
        return Checkup(self.model)

    async def close(self) -> None:
        """Close the pool; calls under way fail."""
        await self.aside.run(self.http.aclose)
        await self.aside.close()
        self._vendor.close()

    async def _ask(self, request: ImageRequest) -> types.GenerateContentResponse:
        pictures = [types.Part.from_bytes(data=one.data, mime_type=one.media_type) for one in request.references]
        content = types.UserContent(parts=[*pictures, types.Part(text=request.prompt)])
        model = request.model or self.model
        async with self._asking(model):
            generate = self._vendor.aio.models.generate_content
            return await self.aside.run(partial(generate, model=model, contents=content, config=_CONFIG))

    @asynccontextmanager
    async def _asking(self, model: str) -> AsyncGenerator[None]:
        if not _SENDABLE_KEY.fullmatch(self.api_key.strip()):  # else the HTTP library's exception would quote it
            raise unsendable_key()
        try:
            yield
        except errors.APIError as error:
            raise self._refusal(error, model) from None  # its text is the whole answer, which may quote the key
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise wrong_address() from error
        except _LOST as error:
            raise lost(error) from error
        except (ValueError, TypeError, AttributeError):
            # What the SDK raises on JSON, base64 or shapes that are none; its text quotes the answer.
            raise unreadable() from None

    def _refusal(self, error: errors.APIError, model: str) -> AppError:
        """What an HTTP error means, and whether the call may be billed."""
        fault = Fault.of(cast("object", error.details))  # pyright: ignore[reportUnknownMemberType] - untyped in the SDK
        failure = self._meaning(error.code, fault, model)
        # an overloaded server says so before it works
        worked = error.code >= HTTPStatus.INTERNAL_SERVER_ERROR and error.code != HTTPStatus.SERVICE_UNAVAILABLE
        worked = worked or error.code == HTTPStatus.REQUEST_TIMEOUT
        failure.call = FailedCall(fault.request_id, maybe_billed=worked)
        return failure

    def _meaning(self, status: int, fault: Fault, model: str) -> AppError:
        said = self._quote("Google says", fault.message)
        if fault.is_about_key or status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return rejected_key(said)
        if status == HTTPStatus.NOT_FOUND or (status == HTTPStatus.BAD_REQUEST and "modalit" in fault.message):
            return wrong_model(model, said)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return over_limit(fault, said)
        if status in _BAD_REQUEST:
            return bad_request(fault, said)
        if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}:
            return timed_out(said)
        return unavailable(f"Google answered with status {status}.", said, fault.retry_after_s)

    def _without_picture(self, answer: types.GenerateContentResponse) -> AppError:
        """What an answer without a picture means; all of them come with status 200."""
        feedback, candidate = answer.prompt_feedback, _candidate(answer)
        if feedback and feedback.block_reason:
            failure = blocked("refuses the request", _BLOCKED.get(feedback.block_reason.value, "no reason is given"))
        elif candidate and candidate.finish_reason and candidate.finish_reason.value in _BLOCKED:
            failure = blocked("withholds the result", _BLOCKED[candidate.finish_reason.value])
        else:
            text = " ".join(part.text for part in _parts(answer) if part.text)
            failure = without_picture(self._quote("It says", text))
        # a request that is refused costs nothing; a model that has answered has worked
        used: dict[Unit, int] = {unit: count for unit, count in usage_of(answer).items() if unit is not Unit.PICTURES}
        told = candidate is not None and len(used) > 1  # more than the call itself
        failure.call = FailedCall(
            answer.response_id, maybe_billed=candidate is not None and not told, usage=named(used) if told else {}
        )
        return failure

    def _quote(self, who: str, words: str) -> str:
        """A sentence with the provider's own words, without secrets and shortened; empty without words."""
        return quote(who, words, self.api_key.strip())


def _candidate(answer: types.GenerateContentResponse) -> types.Candidate | None:
    return answer.candidates[0] if answer.candidates else None


def _parts(answer: types.GenerateContentResponse) -> list[types.Part]:
    """What the model answered, its thoughts left out."""
    candidate = _candidate(answer)
    content = candidate.content if candidate else None
    return [part for part in (content.parts or [] if content else []) if not part.thought]


def _picture(answer: types.GenerateContentResponse) -> tuple[bytes, str] | None:
    """The first picture: encoded bytes and media type."""
    for part in _parts(answer):
        blob = part.inline_data
        if blob and blob.data and blob.mime_type and blob.mime_type.startswith("image/"):
            return blob.data, blob.mime_type
    return None
