"""What goes wrong between this server and Cloudinary, as errors that callers may expect."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from app.errors import AppError, ErrorCode

_QUOTE_CHARACTERS = 300
_ENHANCE_YOUR_CALM = 420  # what Cloudinary says besides 429
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_LIMITED = frozenset({_ENHANCE_YOUR_CALM, HTTPStatus.TOO_MANY_REQUESTS})
_NOT_TAKEN = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
_URL_QUERY = re.compile(r"(https?://[^\s?]+)\?\S*")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of Cloudinary's, read to its end; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object in it; empty when there is none."""
        try:
            found: object = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType] - of whatever JSON has

    @property
    def said(self) -> str:
        """Cloudinary's own words for what is wrong; empty when it has none."""
        error = self.fields.get("error")
        message: object = error.get("message") if isinstance(error, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - the same
        return message if isinstance(message, str) else self.headers.get("x-cld-error", "")


def refusal(answer: Answer) -> AppError | None:
    """The failure of any call that was refused for certain; null for any other answer."""
    if answer.status in _REFUSED:
        return rejected_key()
    if answer.status in _LIMITED:
        wait_s = wait_of(answer.headers, datetime.now(UTC))
        message = "Cloudinary limits the account for now. Try again later."
        return AppError(ErrorCode.UNAVAILABLE, message, retryable=True, retry_after_s=wait_s)
    return None


def not_taken(answer: Answer, secrets: tuple[str, ...]) -> AppError:
    """The failure of an upload whose answer holds no picture; `secrets` are not quoted."""
    if answer.status not in _NOT_TAKEN:
        is_certain = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return failed(answer.status) if is_certain else unconfirmed(answer)
    if answer.said.lower().startswith("stale request"):
        message = "Cloudinary refuses the time of this server's clock: set it right."
        return AppError(ErrorCode.UNAVAILABLE, message, retryable=True)
    return AppError(ErrorCode.BAD_USER_INPUT, f"Cloudinary does not take this picture{_quoted(answer.said, secrets)}.")


def rejected_key() -> AppError:
    """The account's key, secret or cloud is wrong."""
    message = "Cloudinary rejects the account's key: check CLOUDINARY_URL."
    return AppError(ErrorCode.PROVIDER_REJECTED_KEY, message)


def unreachable() -> AppError:
    """No connection: nothing was sent."""
    return AppError(ErrorCode.UNAVAILABLE, "Cloudinary can't be reached. Try again later.", retryable=True)


def failed(status: int | None = None) -> AppError:
    """It is not there, and nothing was to be changed."""
    how = "broke off" if status is None else f"answered with the status {status}"
    return AppError(ErrorCode.UNAVAILABLE, f"Cloudinary {how}. Try again later.", retryable=True)


def unconfirmed(answer: Answer | None = None) -> AppError:
    """Nobody here knows whether it was done."""
    how = "did not answer" if answer is None else f"answered with the status {answer.status}"
    message = f"Cloudinary {how}, so that nobody knows what it has done. Try again later."
    wait_s = wait_of(answer.headers, datetime.now(UTC)) if answer else None
    return AppError(ErrorCode.TIMEOUT, message, retryable=True, retry_after_s=wait_s)


def timed_out(deadline_s: float) -> AppError:
    """It took too long."""
    message = f"Cloudinary took longer than {deadline_s:g} s. Try again later."
    return AppError(ErrorCode.TIMEOUT, message, retryable=True)


def missing() -> AppError:
    """It has no such picture."""
    return AppError(ErrorCode.SOURCE_IMAGE_MISSING, "The stored picture is gone from Cloudinary; upload it again.")


def something_else() -> AppError:
    """What arrives is not what was kept."""
    message = "What Cloudinary delivers is not the stored picture. Try again later."
    return AppError(ErrorCode.UNAVAILABLE, message, retryable=True)


def changed() -> AppError:
    """What it keeps is not what it was given."""
    message = (
        "Cloudinary changes the pictures that it gets, so that none can be kept there: switch off what the account "
        "does to every upload."
    )
    return AppError(ErrorCode.UNAVAILABLE, message)


def wait_of(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until the account's limit is over; null when nothing says that."""
    asked = headers.get("retry-after", "").strip()
    if asked.isdigit():
        return float(asked)
    until = asked or headers.get("x-featureratelimit-reset", "")
    try:
        moment = parsedate_to_datetime(until)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def _quoted(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    clean = _URL_QUERY.sub(r"\1", " ".join(text.split()))[:_QUOTE_CHARACTERS].rstrip(". ")
    return f": {clean}" if clean else ""
