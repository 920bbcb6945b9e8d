"""What goes wrong at OpenAI, as failures with public codes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from types import MappingProxyType

import httpx2
import openai
from pydantic import BaseModel, ValidationError

from app.costs.usage import Usage, named
from app.errors import AppError, ErrorCode, FailedCall
from app.providers.openai.waiting import wait_of
from app.providers.quoting import quote

_STATUSES: Mapping[int, ErrorCode] = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: ErrorCode.BAD_USER_INPUT,
        HTTPStatus.UNAUTHORIZED: ErrorCode.PROVIDER_REJECTED_KEY,
        HTTPStatus.FORBIDDEN: ErrorCode.PROVIDER_REJECTED_KEY,
        HTTPStatus.NOT_FOUND: ErrorCode.PROVIDER_NOT_CONFIGURED,
        HTTPStatus.REQUEST_TIMEOUT: ErrorCode.TIMEOUT,
        HTTPStatus.CONTENT_TOO_LARGE: ErrorCode.BAD_USER_INPUT,
        HTTPStatus.UNPROCESSABLE_CONTENT: ErrorCode.BAD_USER_INPUT,
        HTTPStatus.TOO_MANY_REQUESTS: ErrorCode.RATE_LIMITED,
        HTTPStatus.GATEWAY_TIMEOUT: ErrorCode.TIMEOUT,
    }
)
"""What a status means when OpenAI's own code says nothing more exact; any other is an outage."""
_CODES: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "rate_limit_exceeded": ErrorCode.RATE_LIMITED,
        "insufficient_quota": ErrorCode.QUOTA_EXCEEDED,
        "billing_hard_limit_reached": ErrorCode.QUOTA_EXCEEDED,
        "billing_not_active": ErrorCode.QUOTA_EXCEEDED,
        "moderation_blocked": ErrorCode.CONTENT_BLOCKED,
        "content_policy_violation": ErrorCode.CONTENT_BLOCKED,
        "image_content_policy_violation": ErrorCode.CONTENT_BLOCKED,
        "misalignment_policy_violation": ErrorCode.CONTENT_BLOCKED,
        "bio_policy": ErrorCode.CONTENT_BLOCKED,
        "content_filter": ErrorCode.CONTENT_BLOCKED,
        "invalid_prompt": ErrorCode.CONTENT_BLOCKED,  # a prompt "flagged as potentially violating our usage policy"
        "invalid_api_key": ErrorCode.PROVIDER_REJECTED_KEY,
        "model_not_found": ErrorCode.PROVIDER_NOT_CONFIGURED,
        "server_error": ErrorCode.PROVIDER_UNAVAILABLE,
    }
)
"""OpenAI's codes and types that decide, whatever the status."""
_ABOUT_INPUT = ("invalid_", "image_", "unsupported_", "empty_image", "failed_to_download_image")
_TYPES_ABOUT_INPUT = frozenset({"invalid_request_error", "image_generation_user_error"})
_RETRYABLE = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.TIMEOUT, ErrorCode.PROVIDER_UNAVAILABLE})
_NOTHING_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.LocalProtocolError,
)
_HALF_SENT = (httpx2.WriteError, httpx2.WriteTimeout)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which model is asked, the setting that names it, and with which key."""

    model: str
    setting: str
    api_key: str = field(repr=False)


class Fault(BaseModel):
    """The `error` of OpenAI's answer; see https://platform.openai.com/docs/guides/error-codes."""

    message: str | None = None
    code: str | int | None = None
    type: str | None = None
    param: str | None = None

    @classmethod
    def of(cls, error: object) -> "Fault":
        """Read an error; whatever is not OpenAI's (a proxy's page, say) is a fault without words."""
        try:
            return cls.model_validate(error)
        except ValidationError:
            return cls()

    @classmethod
    def reported(cls, kind: str, fields: Mapping[str, object]) -> "Fault | None":
        """What an event of a stream reports; null when it is no error."""
        if kind == "response.failed":
            try:
                return _Failed.model_validate(fields.get("response")).error
            except ValidationError:
                return cls()
        if kind == "error" or fields.get("error"):
            return cls.of(fields.get("error") or fields)
        return None

    def meaning(self, status: int) -> ErrorCode:
        """The public code."""
        named = _CODES.get(str(self.code)) or _CODES.get(str(self.type))
        if named is None and self.param == "model":
            return ErrorCode.PROVIDER_NOT_CONFIGURED
        return named or _STATUSES.get(status, ErrorCode.PROVIDER_UNAVAILABLE)

    @property
    def is_about_input(self) -> bool:
        """Whether a fault that comes without a status blames what was sent."""
        return str(self.code).startswith(_ABOUT_INPUT) or str(self.type) in _TYPES_ABOUT_INPUT


class _Failed(BaseModel):
    """A response that failed."""

    error: Fault = Fault()


def refused(error: openai.APIStatusError, asked: Asked) -> AppError:
    """What an HTTP error means."""
    status, fault = error.status_code, Fault.of(error.body)
    code = fault.meaning(status)
    # an overloaded server says so before it works
    lost = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE
    lost = lost or status == HTTPStatus.REQUEST_TIMEOUT
    wait = wait_of(error.response.headers) if code in _RETRYABLE else None
    words = _words(code, asked, f"answered with status {status}", wait)
    call = FailedCall(error.request_id, maybe_billed=lost and code in _RETRYABLE)
    return _failure(code, words + _said(fault, asked), call, wait)


def broken_by(fault: Fault, asked: Asked, request_id: str | None) -> AppError:
    """What an error in the middle of an answer means: the status has been 200 by then."""
    code = fault.meaning(HTTPStatus.BAD_REQUEST if fault.is_about_input else HTTPStatus.INTERNAL_SERVER_ERROR)
    worked = code in {ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.TIMEOUT, ErrorCode.CONTENT_BLOCKED}
    call = FailedCall(request_id, maybe_billed=worked)
    return _failure(code, _words(code, asked, "could not finish its answer") + _said(fault, asked), call)


def lost(error: BaseException, request_id: str | None) -> AppError:
    """What a failure of the connection means."""
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return wrong_address()
    sent = not isinstance(error, _NOTHING_SENT)
    call = FailedCall(request_id, sent=sent, maybe_billed=sent and not isinstance(error, _HALF_SENT))
    if isinstance(error, httpx2.TimeoutException):
        return _failure(ErrorCode.TIMEOUT, "OpenAI did not answer in time. Try again.", call)
    what = "OpenAI broke off in the middle." if sent else "OpenAI can't be reached."
    return _failure(ErrorCode.PROVIDER_UNAVAILABLE, f"{what} Try again.", call)


def unreadable(what: str, request_id: str | None) -> AppError:
    """PROVIDER_UNAVAILABLE: an answer came, and is none."""
    call = FailedCall(request_id, maybe_billed=True)
    return _failure(ErrorCode.PROVIDER_UNAVAILABLE, f"OpenAI's answer {what}. Try again.", call)


def blocked(words: str, asked: Asked, request_id: str | None, used: Usage) -> AppError:
    """CONTENT_BLOCKED by the model itself: it has worked, and that is billed."""
    said = quote("It says", words, asked.api_key)
    call = FailedCall(request_id, maybe_billed=not used, usage=named(used))
    return _failure(
        ErrorCode.CONTENT_BLOCKED, f"OpenAI withholds the answer. Change the wish or the picture.{said}", call
    )


def invalid(what: str, request_id: str | None, used: Usage) -> AppError:
    """INVALID_ANSWER, retryable: the model wrote something else than was asked for."""
    call = FailedCall(request_id, maybe_billed=not used, usage=named(used))
    return AppError(ErrorCode.INVALID_ANSWER, f"OpenAI's answer {what}. Try again.", retryable=True, call=call)


def unsendable_key() -> AppError:
    """PROVIDER_REJECTED_KEY before anything is sent."""
    message = f"{_KEY} It holds characters that no key has."
    return _failure(ErrorCode.PROVIDER_REJECTED_KEY, message, FailedCall(sent=False))


def wrong_address() -> AppError:
    """PROVIDER_NOT_CONFIGURED: the address."""
    message = "The address in OPENAI_BASE_URL is not one that can be called."
    return _failure(ErrorCode.PROVIDER_NOT_CONFIGURED, message, FailedCall(sent=False))


_KEY = "OpenAI refuses the key in OPENAI_API_KEY. Check it, or make another at https://platform.openai.com/api-keys."


def _failure(code: ErrorCode, message: str, call: FailedCall, wait: float | None = None) -> AppError:
    return AppError(code, message, retryable=code in _RETRYABLE, retry_after_s=wait, call=call)


def _said(fault: Fault, asked: Asked) -> str:
    return quote("OpenAI says", fault.message or "", asked.api_key)


def _words(code: ErrorCode, asked: Asked, what: str, wait: float | None = None) -> str:
    """What a code means and what to do, for people."""
    words = {
        ErrorCode.PROVIDER_REJECTED_KEY: _KEY,
        ErrorCode.PROVIDER_NOT_CONFIGURED: f"The model {asked.model!r} does not exist for this key or can't do this."
        f" Set {asked.setting}.",
        ErrorCode.QUOTA_EXCEEDED: "The quota of the key in OPENAI_API_KEY is used up. See to its billing and limits.",
        ErrorCode.RATE_LIMITED: "OpenAI takes no more requests just now."
        f" Try again {f'in {ceil(wait)} s' if wait else 'in a minute'}.",
        ErrorCode.CONTENT_BLOCKED: "OpenAI refuses the request. Change the wish or the picture.",
        ErrorCode.BAD_USER_INPUT: "OpenAI can't work on this request.",
        ErrorCode.TIMEOUT: "OpenAI did not answer in time. Try again.",
    }
    return words.get(code, f"OpenAI {what}. Try again.")
