import time

import pytest

from app.accounts.counters import Counters
from app.api.allowances import Allowances
from app.errors import AppError, ErrorCode


async def test_cost_is_taken_until_nothing_is_left_and_the_refusal_says_when_there_is() -> None:
    allowances = Allowances(Counters(), cost_a_minute=100)
    first = await allowances.spend("ada", 60)
    assert (first.requested, first.limit, first.remaining) == (60, 100, 40)
    assert first.reset_at is not None
    assert 55 < first.reset_at.timestamp() - time.time() <= 60
    with pytest.raises(AppError, match="costs 50, and 40 are left of the 100 a minute") as refused:
        await allowances.spend("ada", 50)
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.RATE_LIMITED, True)
    assert refused.value.retry_after_s is not None
    assert 55 < refused.value.retry_after_s <= 60


async def test_what_is_refused_takes_nothing_and_others_have_their_own() -> None:
    allowances = Allowances(Counters(), cost_a_minute=100)
    await allowances.spend("ada", 60)
    for _ in range(3):
        with pytest.raises(AppError):
            await allowances.spend("ada", 50)
    assert (await allowances.spend("ada", 40)).remaining == 0
    assert (await allowances.spend("bob", 100)).remaining == 0


async def test_requests_are_counted_whatever_becomes_of_them() -> None:
    allowances = Allowances(Counters(), requests_a_minute=2)
    for _ in range(2):
        await allowances.count_request("ada")
    for _ in range(2):
        with pytest.raises(AppError, match="at most 2 a minute"):
            await allowances.count_request("ada")
    await allowances.count_request("bob")


async def test_without_a_limit_and_for_a_party_that_is_not_known_nothing_is_refused() -> None:
    unlimited, limited = Allowances(Counters()), Allowances(Counters(), 1, 1)
    for _ in range(3):
        await unlimited.count_request("ada")
        await limited.count_request(None)
        assert (await unlimited.spend("ada", 10**9)).shown() == {
            "requested": 10**9,
            "limit": None,
            "remaining": None,
            "resetAt": None,
        }
        assert (await limited.spend(None, 5)).remaining is None
