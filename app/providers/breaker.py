"""Keeps calls away from a provider that fails, until it has had time to recover."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

from app.errors import AppError, ErrorCode, FailedCall

_PROBE_TAKES_S = 5.0
_COUNTED = frozenset({ErrorCode.TIMEOUT, ErrorCode.PROVIDER_UNAVAILABLE})
_OPENS_AT_ONCE = frozenset({ErrorCode.PROVIDER_REJECTED_KEY, ErrorCode.QUOTA_EXCEEDED})


@dataclass(slots=True)
class Breaker:
    """A circuit breaker of one provider and operation, in one process.

    `failures` in a row open it for `open_s` seconds, a rejected key or an empty quota opens it at once. Then one call
    probes: what the provider answers, even a refusal of the content, closes it. `who` is the provider in words.
    """

    who: str
    failures: int = 5
    open_s: float = 30
    clock: Callable[[], float] = time.monotonic
    _failed: int = 0
    _cause: AppError | None = None
    _open_until: float = 0
    _probing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether no call but a probe passes."""
        return self._cause is not None

    @contextmanager
    def passing(self) -> Generator[None]:
        """While entered, a call is made; its failure, or that there was none, is counted.

        A call that is cancelled says nothing about the provider: a deadline has to be an AppError in here.

        Raises:
            AppError: not sent, when it is open: retryable PROVIDER_UNAVAILABLE, or the failure that opened it.
        """
        is_probe = self._enter()
        try:
            yield
        except AppError as error:
            self._note(error)
            raise
        else:
            self._failed, self._cause = 0, None
        finally:
            if is_probe:
                self._probing = False

    def _enter(self) -> bool:
        """Whether this call is the probe."""
        if self._cause is None:
            return False
        remaining_s = self._open_until - self.clock()
        if remaining_s > 0:
            raise self._refusal(self._cause, remaining_s)
        if self._probing:
            raise self._refusal(self._cause, _PROBE_TAKES_S)
        self._probing = True
        return True

    def _note(self, error: AppError) -> None:
        if error.code not in _COUNTED | _OPENS_AT_ONCE:
            if error.call is None or error.call.sent:
                self._failed, self._cause = 0, None  # it answered
            return
        self._failed += 1
        waiting = self._cause is not None and self._open_until > self.clock()  # a call of before it was opened
        if not waiting and (error.code in _OPENS_AT_ONCE or self._failed >= self.failures):
            # A copy: the error's own traceback would keep the request and its pictures in memory.
            self._cause = AppError(error.code, error.message, retryable=error.retryable)
            self._open_until = self.clock() + self.open_s

    def _refusal(self, cause: AppError, wait_s: float) -> AppError:
        not_sent = FailedCall(sent=False)
        if cause.code in _OPENS_AT_ONCE:
            return AppError(cause.code, cause.message, retryable=cause.retryable, retry_after_s=wait_s, call=not_sent)
        message = f"{self.who} has failed {self._failed} times in a row. It is asked again in {ceil(wait_s)} seconds."
        return AppError(ErrorCode.PROVIDER_UNAVAILABLE, message, retryable=True, retry_after_s=wait_s, call=not_sent)
