"""What Google's error answers mean, as failures with public codes."""

import re
from math import ceil

import httpx2
from pydantic import BaseModel, Field, ValidationError

from app.errors import AppError, ErrorCode, FailedCall

_SPENT = re.compile(r"limit: 0(?![\d.])|credits are depleted|spending cap|per day", re.IGNORECASE)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_NOTHING_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.LocalProtocolError,
)
_HALF_SENT = (httpx2.WriteError, httpx2.WriteTimeout)


class _Violation(BaseModel):
    """A limit that was hit, of google.rpc.QuotaFailure."""

    quota: str = Field("", alias="quotaId")
    limit: str = Field("", alias="quotaValue")


class _Detail(BaseModel):
    """The fields of google.rpc.ErrorInfo, RequestInfo, RetryInfo and QuotaFailure that matter here."""

    reason: str = ""
    request_id: str = Field("", alias="requestId")
    retry_delay: str = Field("", alias="retryDelay")
    violations: tuple[_Violation, ...] = ()


class Fault(BaseModel):
    """The `error` of Google's answer; see https://cloud.google.com/apis/design/errors."""

    message: str = ""
    status: str = ""
    details: tuple[_Detail, ...] = ()

    @classmethod
    def of(cls, body: object) -> "Fault":
        """Read an answer's body; whatever is not Google's (a proxy's page, say) is a fault without words."""
        try:
            return _ErrorAnswer.model_validate(body).error
        except ValidationError:
            return cls()

    @property
    def is_about_key(self) -> bool:
        """Whether the key itself is refused."""
        return any(detail.reason.startswith("API_KEY_") for detail in self.details)

    @property
    def request_id(self) -> str | None:
        """Google's id of the request; null when it gives none."""
        return next((detail.request_id for detail in self.details if detail.request_id), None)

    @property
    def retry_after_s(self) -> float | None:
        """How long Google asks to wait, in seconds; null when it does not say."""
        delays = (_DELAY.fullmatch(detail.retry_delay) for detail in self.details)
        return next((float(found[1]) for found in delays if found), None)

    @property
    def is_spent(self) -> bool:
        """Whether waiting a minute does not help: a daily limit, a limit of nothing, or no money left."""
        hit = [violation for detail in self.details for violation in detail.violations]
        return bool(_SPENT.search(self.message)) or any("PerDay" in one.quota or one.limit == "0" for one in hit)


class _ErrorAnswer(BaseModel):
    error: Fault


def rejected_key(said: str) -> AppError:
    """PROVIDER_REJECTED_KEY."""
    advice = "Check it, or make another at https://aistudio.google.com/apikey."
    return AppError(ErrorCode.PROVIDER_REJECTED_KEY, f"Google refuses the key in GOOGLE_API_KEY. {advice}{said}")


def wrong_model(model: str, said: str) -> AppError:
    """PROVIDER_NOT_CONFIGURED: the model's name."""
    message = f"The model {model!r} does not exist for this key or makes no images. Set GEMINI_IMAGE_MODEL.{said}"
    return AppError(ErrorCode.PROVIDER_NOT_CONFIGURED, message)


def bad_request(fault: Fault, said: str) -> AppError:
    """BAD_USER_INPUT, or PROVIDER_NOT_CONFIGURED when it is the key's country or plan."""
    if fault.status == "FAILED_PRECONDITION":  # a country or a plan that is not served
        message = f"Google does not serve the key in GOOGLE_API_KEY as things stand.{said}"
        return AppError(ErrorCode.PROVIDER_NOT_CONFIGURED, message)
    return AppError(ErrorCode.BAD_USER_INPUT, f"Google can't work on this picture or wish.{said}")


def over_limit(fault: Fault, said: str) -> AppError:
    """RATE_LIMITED, or QUOTA_EXCEEDED when waiting a minute does not help."""
    if fault.is_spent:
        message = f"The quota of the key in GOOGLE_API_KEY is used up. Wait for a new day or see to its billing.{said}"
        return AppError(ErrorCode.QUOTA_EXCEEDED, message)
    wait = fault.retry_after_s
    when = f"in {ceil(wait)} s" if wait else "in a minute"
    message = f"Google takes no more requests just now. Try again {when}.{said}"
    return AppError(ErrorCode.RATE_LIMITED, message, retryable=True, retry_after_s=wait)


def lost(error: BaseException) -> AppError:
    """What a failure of the connection means: TIMEOUT or PROVIDER_UNAVAILABLE, retryable."""
    sent = not isinstance(error, _NOTHING_SENT)
    if isinstance(error, httpx2.TimeoutException):
        failure = timed_out()
    else:
        failure = unavailable("Google broke off in the middle." if sent else "Google can't be reached.")
    failure.call = FailedCall(sent=sent, maybe_billed=sent and not isinstance(error, _HALF_SENT))
    return failure


def wrong_address() -> AppError:
    """PROVIDER_NOT_CONFIGURED: the address."""
    message = "The address in GOOGLE_GEMINI_BASE_URL is not one that can be called."
    return AppError(ErrorCode.PROVIDER_NOT_CONFIGURED, message, call=FailedCall(sent=False))


def unreadable() -> AppError:
    """PROVIDER_UNAVAILABLE, retryable: an answer came, and is none."""
    failure = unavailable("Google's answer can't be read.")
    failure.call = FailedCall(maybe_billed=True)
    return failure


def unsendable_key() -> AppError:
    """PROVIDER_REJECTED_KEY before anything is sent."""
    failure = rejected_key(" It holds characters that no key has.")
    failure.call = FailedCall(sent=False)
    return failure


def blocked(what: str, words: str) -> AppError:
    """CONTENT_BLOCKED, with the reason in words."""
    return AppError(ErrorCode.CONTENT_BLOCKED, f"Google {what}: {words}. Change the wish or the picture.")


def without_picture(said: str) -> AppError:
    """NO_IMAGE_RETURNED, or TEXT_INSTEAD_OF_IMAGE when the model said something; both retryable."""
    if said:
        message = f"Gemini answered in words instead of a picture. Word the wish anew, or try again.{said}"
        return AppError(ErrorCode.TEXT_INSTEAD_OF_IMAGE, message, retryable=True)
    message = "Gemini answered without a picture. Try again, or word the wish anew."
    return AppError(ErrorCode.NO_IMAGE_RETURNED, message, retryable=True)


def timed_out(said: str = "") -> AppError:
    """TIMEOUT, retryable."""
    return AppError(ErrorCode.TIMEOUT, f"Google did not answer in time. Try again.{said}", retryable=True)


def unavailable(what: str, said: str = "", retry_after_s: float | None = None) -> AppError:
    """PROVIDER_UNAVAILABLE, retryable."""
    message = f"{what} Try again.{said}"
    return AppError(ErrorCode.PROVIDER_UNAVAILABLE, message, retryable=True, retry_after_s=retry_after_s)
