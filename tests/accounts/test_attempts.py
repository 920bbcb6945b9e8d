import asyncio

import pytest
from limits.aio.storage import MemoryStorage

from app.accounts.attempts import AttemptLimits, WindowedAttempts
from app.errors import AppError, ErrorCode

ADDRESS = "203.0.113.7"


def _attempts(**limits: int) -> WindowedAttempts:
    return WindowedAttempts(MemoryStorage(), AttemptLimits(**limits))


async def _refusal(attempts: WindowedAttempts, account: str, address: str | None) -> AppError:
    with pytest.raises(AppError) as caught:
        await attempts.count_log_in(account, address)
    assert caught.value.code is ErrorCode.RATE_LIMITED
    assert caught.value.retryable
    return caught.value


async def test_account_is_limited_from_all_addresses_together() -> None:
    attempts = _attempts(log_ins_by_account=2)
    await attempts.count_log_in("ada", "203.0.113.1")
    await attempts.count_log_in("ada", "203.0.113.2")
    await _refusal(attempts, "ada", "203.0.113.3")
    await attempts.count_log_in("grace", "203.0.113.3")


async def test_address_is_limited_over_all_accounts_together() -> None:
    attempts = _attempts(log_ins_by_address=2)
    await attempts.count_log_in("ada", ADDRESS)
    await attempts.count_log_in("grace", ADDRESS)
    await _refusal(attempts, "edsger", ADDRESS)
    await attempts.count_log_in("edsger", "203.0.113.8")


async def test_refusal_says_when_to_come_back() -> None:
    attempts = _attempts(log_ins_by_account=0, window_s=900)
    error = await _refusal(attempts, "ada", None)
    assert error.message == "Too many attempts to log in to this account. Try again in 15 minutes."
    assert error.retry_after_s is not None
    assert 890 < error.retry_after_s <= 900


async def test_who_waits_as_told_may_try_again_however_often_others_failed_meanwhile() -> None:
    attempts = _attempts(log_ins_by_account=1, window_s=1)
    await attempts.count_log_in("ada", None)
    wait_s = (await _refusal(attempts, "ada", None)).retry_after_s
    assert wait_s == 1
    for _ in range(20):
        await _refusal(attempts, "ada", None)
    await asyncio.sleep(wait_s)
    await attempts.count_log_in("ada", None)


async def test_success_is_taken_back_but_wipes_out_no_failures() -> None:
    attempts = _attempts(log_ins_by_account=2, log_ins_by_address=2)
    await attempts.count_log_in("ada", ADDRESS)
    for _ in range(5):
        await attempts.count_log_in("ada", ADDRESS)
        await attempts.forgive_log_in("ada", ADDRESS)
    await attempts.count_log_in("ada", ADDRESS)
    await _refusal(attempts, "ada", None)
    await _refusal(attempts, "grace", ADDRESS)


async def test_attempts_at_once_are_limited_like_attempts_in_a_row() -> None:
    attempts = _attempts(log_ins_by_account=10)
    tries = (attempts.count_log_in("ada", None) for _ in range(100))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert answers.count(None) == 10


async def test_one_ipv6_network_counts_as_one_address() -> None:
    attempts = _attempts(log_ins_by_address=2)
    await attempts.count_log_in("ada", "2001:db8::1")
    await attempts.count_log_in("ada", "2001:db8::ffff:1")
    await _refusal(attempts, "ada", "2001:db8:0:0:1::")
    await attempts.count_log_in("ada", "2001:db8:0:1::1")


async def test_ipv4_address_is_the_same_inside_ipv6() -> None:
    attempts = _attempts(log_ins_by_address=1)
    await attempts.count_log_in("ada", ADDRESS)
    await _refusal(attempts, "ada", f"::ffff:{ADDRESS}")


async def test_client_without_an_address_is_limited_by_account_alone() -> None:
    attempts = _attempts(log_ins_by_address=0, log_ins_by_account=1)
    await attempts.count_log_in("ada", None)
    await _refusal(attempts, "ada", None)


async def test_sign_ups_are_limited_apart_from_log_ins() -> None:
    attempts = _attempts(sign_ups_by_address=1)
    await attempts.count_sign_up(ADDRESS)
    with pytest.raises(AppError, match="to sign up from your network"):
        await attempts.count_sign_up(ADDRESS)
    await attempts.count_log_in("ada", ADDRESS)
