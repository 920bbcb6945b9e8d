import gc
import weakref
from dataclasses import dataclass

import pytest

from app.errors import AppError, ErrorCode, FailedCall
from app.providers.breaker import Breaker

_OPEN_S = 30.0


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("Acme", failures=3, open_s=_OPEN_S, clock=clock)


def fail(breaker: Breaker, code: ErrorCode = ErrorCode.PROVIDER_UNAVAILABLE, times: int = 1) -> None:
    """Make calls that fail."""
    for _ in range(times):
        with pytest.raises(AppError), breaker.passing():
            raise AppError(code, "It said no.", retryable=code is not ErrorCode.PROVIDER_REJECTED_KEY)


def succeed(breaker: Breaker) -> None:
    """Make a call that is answered."""
    with breaker.passing():
        pass


def refusal(breaker: Breaker) -> AppError:
    """What a call is told that does not pass."""
    with pytest.raises(AppError) as caught, breaker.passing():
        pytest.fail("it passed")
    return caught.value


@pytest.mark.parametrize("code", [ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.TIMEOUT])
def test_failures_in_a_row_open_it_and_nothing_is_sent(breaker: Breaker, code: ErrorCode) -> None:
    fail(breaker, code, times=2)
    assert not breaker.is_open
    fail(breaker, code)
    refused = refusal(breaker)
    assert (refused.code, refused.retryable, refused.retry_after_s) == (ErrorCode.PROVIDER_UNAVAILABLE, True, _OPEN_S)
    assert refused.call is not None
    assert not refused.call.sent
    assert "Acme has failed 3 times in a row. It is asked again in 30 seconds." in refused.message


def test_answer_in_between_starts_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, times=2)
    succeed(breaker)
    fail(breaker, times=2)
    assert not breaker.is_open


@pytest.mark.parametrize(
    "code", [ErrorCode.CONTENT_BLOCKED, ErrorCode.BAD_USER_INPUT, ErrorCode.NO_IMAGE_RETURNED, ErrorCode.RATE_LIMITED]
)
def test_refusal_of_one_request_shows_that_the_provider_is_there(breaker: Breaker, code: ErrorCode) -> None:
    fail(breaker, times=2)
    fail(breaker, code)
    fail(breaker, times=2)
    assert not breaker.is_open


@pytest.mark.parametrize("code", [ErrorCode.PROVIDER_REJECTED_KEY, ErrorCode.QUOTA_EXCEEDED])
def test_rejected_key_or_empty_quota_opens_it_at_once_and_is_what_others_are_told(
    breaker: Breaker, code: ErrorCode
) -> None:
    fail(breaker, code)
    refused = refusal(breaker)
    assert (refused.code, refused.message) == (code, "It said no.")
    assert refused.call is not None
    assert not refused.call.sent


def test_one_call_probes_and_its_answer_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, times=3)
    clock.now_s += _OPEN_S
    with breaker.passing():
        assert refusal(breaker).retryable  # a second one does not pass beside the probe
    assert not breaker.is_open
    fail(breaker, times=2)
    assert not breaker.is_open


def test_probe_that_fails_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, times=3)
    clock.now_s += _OPEN_S
    fail(breaker)
    assert refusal(breaker).retry_after_s == _OPEN_S


def test_probe_that_is_cancelled_leaves_the_next_one_to_probe(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, times=3)
    clock.now_s += _OPEN_S
    with pytest.raises(GeneratorExit), breaker.passing():
        raise GeneratorExit
    assert breaker.is_open
    succeed(breaker)
    assert not breaker.is_open


def test_late_failure_of_a_call_from_before_does_not_keep_it_open_longer(breaker: Breaker, clock: Clock) -> None:
    earlier = breaker.passing()
    earlier.__enter__()
    fail(breaker, times=3)
    clock.now_s += _OPEN_S / 2
    error = AppError(ErrorCode.PROVIDER_UNAVAILABLE, "It said no.", retryable=True)
    earlier.__exit__(type(error), error, None)
    assert refusal(breaker).retry_after_s == _OPEN_S / 2


def test_call_that_sent_nothing_says_nothing_about_the_provider(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, times=3)
    clock.now_s += _OPEN_S
    with pytest.raises(AppError), breaker.passing():
        raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "There is no picture.", call=FailedCall(sent=False))
    assert breaker.is_open


def test_what_opened_it_keeps_no_request_in_memory(breaker: Breaker) -> None:
    class Picture(bytearray):
        """Bytes that can be watched."""

    def failing(picture: Picture) -> weakref.ref[Picture]:
        with pytest.raises(AppError), breaker.passing():
            raise AppError(ErrorCode.PROVIDER_REJECTED_KEY, f"It said no to {len(picture)} bytes.")
        return weakref.ref(picture)

    seen = failing(Picture(b"a picture"))
    gc.collect()
    assert breaker.is_open
    assert seen() is None
