"""The user's budget and everyone's: a call is held in both, or in neither."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from beanie import PydanticObjectId

from app.costs.budgets import Budgets, day_of
from app.costs.days import BudgetDay
from app.costs.prices import PriceList
from app.costs.usage import Unit
from app.errors import AppError, ErrorCode
from tests.costs.conftest import budgets, reservation


async def _committed(owner_id: PydanticObjectId) -> dict[str, int]:
    """Of the owner and of all, on the day that there is; days that were never asked for are left out."""
    rows = [BudgetDay.model_validate(row) async for row in BudgetDay.rows().find({})]
    names = {f"{owner_id}": "owner", "all": "all"}
    return {names[day.id.partition("/")[2]]: day.committed for day in rows}


@pytest.mark.usefixtures("days")
async def test_call_is_held_in_both_budgets() -> None:
    wanted = reservation(4)
    await budgets(per_user=5, for_all=10).reserve(wanted)
    assert await _committed(wanted.owner_id) == {"owner": 4, "all": 4}


@pytest.mark.usefixtures("days")
async def test_refusal_by_the_second_releases_the_first() -> None:
    wanted = reservation(4)
    with pytest.raises(AppError, match="This server's budget") as refused:
        await budgets(per_user=5, for_all=3).reserve(wanted)
    assert await _committed(wanted.owner_id) == {"owner": 0, "all": 0}
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.QUOTA_EXCEEDED, True)


@pytest.mark.usefixtures("days")
async def test_refusal_by_the_second_leaves_what_other_calls_of_the_generation_hold() -> None:
    first = reservation(4)
    both = budgets(per_user=9, for_all=5)
    await both.reserve(first)
    with pytest.raises(AppError, match="This server's budget"):
        await both.reserve(first._replace(order=2, held=4, amount=8))
    assert await _committed(first.owner_id) == {"owner": 4, "all": 4}


@pytest.mark.usefixtures("days")
async def test_refusal_says_when_the_budget_resets() -> None:
    at = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    with pytest.raises(AppError) as refused:
        await budgets(per_user=3).reserve(reservation(4)._replace(at=at))
    assert refused.value.message == "Your budget for today is used up. It resets at 2026-11-24 00:00 UTC."
    assert refused.value.retry_after_s == 1800


@pytest.mark.usefixtures("days")
async def test_many_at_once_are_held_as_far_as_the_budget_goes() -> None:
    both = budgets(per_user=100, for_all=10)
    results = await asyncio.gather(*(both.reserve(reservation(3)) for _ in range(8)), return_exceptions=True)
    assert results.count(None) == 3
    assert {one.code for one in results if isinstance(one, AppError)} == {ErrorCode.QUOTA_EXCEEDED}


@pytest.mark.usefixtures("days")
async def test_next_day_is_another_budget() -> None:
    first, limits = reservation(4), budgets(per_user=5)
    await limits.reserve(first)
    tomorrow = reservation(4, owner_id=first.owner_id)
    await limits.reserve(tomorrow._replace(at=tomorrow.at + timedelta(days=1)))
    days = {row["_id"] async for row in BudgetDay.rows().find({})}
    assert len(days) == 2
    assert f"{day_of(first.at)}/{first.owner_id}" in days


@pytest.mark.usefixtures("days")
async def test_room_for_a_model_is_missing_once_a_call_of_it_was_refused_and_there_again_once_money_is() -> None:
    limits, first = budgets(per_user=5), reservation(4)
    await limits.require_room(first.owner_id, "m", first.at)
    await limits.reserve(first)
    await limits.require_room(first.owner_id, "m", first.at)
    with pytest.raises(AppError):
        await limits.reserve(reservation(2, owner_id=first.owner_id))
    with pytest.raises(AppError) as refused:
        await limits.require_room(first.owner_id, "m", first.at)
    assert refused.value.code is ErrorCode.QUOTA_EXCEEDED
    await limits.settle(first.owner_id, first.generation_id, day_of(first.at), 3)
    await limits.require_room(first.owner_id, "m", first.at)


@pytest.mark.usefixtures("days")
async def test_model_without_prices_has_room_whatever_was_spent() -> None:
    limits, first = budgets(per_user=4), reservation(4)
    await limits.reserve(first)
    await limits.require_room(first.owner_id, "local", first.at)
    with pytest.raises(AppError):
        await limits.require_room(first.owner_id, "m", first.at)


def test_unpriced_model_is_not_called_when_there_is_a_budget() -> None:
    with pytest.raises(AppError, match="PRICES") as refused:
        budgets(per_user=4).estimate("other", {Unit.PICTURES: 1}, datetime.now(UTC))
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.PROVIDER_NOT_CONFIGURED, False)


async def test_without_a_budget_nothing_is_asked_of_the_database() -> None:
    """There is none here: a question would fail."""
    free, wanted = Budgets(PriceList.parse("[]")), reservation(4)
    await free.reserve(wanted)
    await free.lower(wanted)
    await free.settle(wanted.owner_id, wanted.generation_id, day_of(wanted.at), 4)
    await budgets().require_room(wanted.owner_id, "m", wanted.at)
    assert not free.are_set


@pytest.mark.usefixtures("days")
async def test_days_older_than_40_are_forgotten() -> None:
    limits, now = budgets(per_user=5), datetime(2026, 11, 23, tzinfo=UTC)
    for ago in (40, 41):
        old = reservation(4)._replace(at=now - timedelta(days=ago))
        await limits.reserve(old)
        await limits.settle(old.owner_id, old.generation_id, day_of(old.at), 4)
    await limits.forget_old(now)
    assert [row["_id"][:10] async for row in BudgetDay.rows().find({})] == ["2026-10-14"]


@pytest.mark.usefixtures("days")
async def test_days_of_one_user_are_forgotten_and_the_sums_of_all_stay() -> None:
    limits, now = budgets(per_user=9, for_all=99), datetime.now(UTC)
    mine, others = PydanticObjectId(), PydanticObjectId()
    for owner_id, ago in ((mine, 0), (mine, 1), (mine, 40), (others, 0)):
        old = reservation(4, owner_id=owner_id)._replace(at=now - timedelta(days=ago))
        await limits.reserve(old)
        await limits.settle(owner_id, old.generation_id, day_of(old.at), 4)
    assert await limits.forget(mine, now) == 3
    assert await limits.forget(mine, now) == 0
    left = {day.id.partition("/")[2]: day.spent async for day in BudgetDay.find({"_id": {"$gte": f"{day_of(now)}"}})}
    assert left == {"all": 8, f"{others}": 4}
