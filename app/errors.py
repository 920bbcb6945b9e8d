"""The one error that callers may expect, and the codes they may branch on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class ErrorCode(StrEnum):
    """What went wrong, for programs. Public: it is the `ErrorCode` of the schema."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    CONFLICT = "CONFLICT"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    PROVIDER_NOT_CONFIGURED = "PROVIDER_NOT_CONFIGURED"
    PROVIDER_REJECTED_KEY = "PROVIDER_REJECTED_KEY"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    CONTENT_BLOCKED = "CONTENT_BLOCKED"
    NO_IMAGE_RETURNED = "NO_IMAGE_RETURNED"
    TEXT_INSTEAD_OF_IMAGE = "TEXT_INSTEAD_OF_IMAGE"
    INVALID_ANSWER = "INVALID_ANSWER"
    SOURCE_IMAGE_MISSING = "SOURCE_IMAGE_MISSING"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class FailedCall:
    """What is known of a call to a provider that failed.

    `request_id` is the provider's own, null when it gave none. `sent` is false when nothing has reached the
    provider. `maybe_billed`: nobody here knows whether the provider takes money for it. `usage` is what it used all
    the same, by unit, as far as the provider told.
    """

    request_id: str | None = None
    sent: bool = True
    maybe_billed: bool = False
    usage: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


class AppError(Exception):
    """An expected failure.

    `message` is for people and public: it says what to do, and holds no secret and no exception text.
    `retryable` is for programs: the same call may succeed later. `path` names the argument at fault
    (`("input", "image")`), `retry_after_s` is the earliest sensible retry in seconds, null when unknown. `call` is
    what is known of a provider's call that failed, null where it was none.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        retryable: bool = False,
        path: tuple[str, ...] | None = None,
        retry_after_s: float | None = None,
        call: FailedCall | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retryable = retryable
        self.path = path
        self.retry_after_s = retry_after_s
        self.call = call

    def at(self, *path: str) -> "AppError":
        """The same failure, of the argument at that path."""
        return AppError(
            self.code,
            self.message,
            retryable=self.retryable,
            path=path,
            retry_after_s=self.retry_after_s,
            call=self.call,
        )


def first_cause(error: BaseException) -> BaseException:
    """The first exception in a group, however deep; of any other error, itself."""
    nested: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return first_cause(nested[0]) if nested else error


def bad_input(message: str, *path: str) -> AppError:
    """BAD_USER_INPUT with the path of the argument at fault."""
    return AppError(ErrorCode.BAD_USER_INPUT, message, path=path or None)


def not_found(what: str, *path: str) -> AppError:
    """NOT_FOUND for something that does not exist."""
    return AppError(ErrorCode.NOT_FOUND, f"{what} does not exist.", path=path or None)
