"""Budgets through real processes: what they hold, what a kill or a lost acknowledgement leaves, what clients see."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults.commands import Update, finds_and_modifies, updates
from tests.faults.plant import Plant, planted

_COST = 40_000
_PRICES = [
    {
        "model": "gemini-3.1-flash-image",
        "unit": "calls",
        "amount": "0.04",
        "currency": "USD",
        "since": "2026-01-01",
    }
]
_SETTINGS = {"PRICES": json.dumps(_PRICES), "DAILY_BUDGET": "1", "DAILY_BUDGET_PER_USER": "0.1"}
_DAYS = "budget_days"
_USAGE = """{ viewer { usage(period: TODAY) { generations calls maybeBilled unpricedCalls cost { amount currency }
  byProvider { provider model cost { amount } } } } }"""
_FAILED = (
    "query ($id: ID!) { generation(id: $id) { failure { code message retryable } attempts { calls { number } } } }"
)


async def _sums(plant: Plant) -> list[tuple[int, int, bool]]:
    """Spent, held and whether something is open, of each budget."""
    rows: list[dict[str, Any]] = await plant.documents[_DAYS].find().sort("_id", 1).to_list()
    return [(row["spent"], sum(one["amount"] for one in row["entries"]), row["open"]) for row in rows]


async def _until_spent(plant: Plant, micros: int) -> None:
    """Wait until both budgets have spent as much, and hold nothing."""
    async with asyncio.timeout(30):
        while await _sums(plant) != [(micros, 0, False)] * 2:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.1)


def _settles(update: Update) -> bool:
    return isinstance(update, list) and any("spent" in stage.get("$set", {}) for stage in update)


@pytest.mark.long
@pytest.mark.timeout(90)
async def test_user_hears_that_the_budget_is_used_up_and_sees_what_was_spent(tmp_path: Path) -> None:
    async with planted(tmp_path, redis=False, **_SETTINGS) as plant:
        api = await plant.api()
        assert "prices in USD; 1 USD a day for all; 0.1 USD a day for each user" in api.server.banner
        ada = await plant.client(api)
        image = await plant.first_image(ada)
        await ada.finished(await ada.regenerate(image, "warmer"))
        too_much = (await ada.regenerate(image, "colder"))["generation"]["id"]  # it is not known yet what it costs
        last = (await ada.follow(too_much))[-1]
        failed = (await ada.run(_FAILED, {"id": too_much}))["generation"]
        refused = await ada.regenerate(image, "brighter")
        usage = (await ada.run(_USAGE))["viewer"]["usage"]
        bob = await plant.client(api)
        await plant.first_image(bob)
        assert len(plant.gemini.calls) == 3
    assert (last["type"], failed["failure"]["code"], failed["failure"]["retryable"]) == (
        "FAILED",
        "QUOTA_EXCEEDED",
        True,
    )
    assert "It resets at" in failed["failure"]["message"]
    assert [attempt["calls"] for attempt in failed["attempts"]] == [[]]
    assert refused["generation"] is None
    assert [error["code"] for error in refused["errors"]] == ["QUOTA_EXCEEDED"]
    part = {"provider": "gemini", "model": "gemini-3.1-flash-image", "cost": {"amount": "0.08"}}
    sums = {"generations": 2, "calls": 2, "maybeBilled": 0, "unpricedCalls": 0}
    assert usage == {**sums, "cost": {"amount": "0.08", "currency": "USD"}, "byProvider": [part]}


@pytest.mark.long
@pytest.mark.timeout(90)
async def test_worker_killed_before_it_settles_leaves_it_to_the_sweep(tmp_path: Path) -> None:
    async with planted(tmp_path, redis=True, **_SETTINGS) as plant:
        api, doomed = await asyncio.gather(plant.api(), plant.worker(tollgate=True))
        ada = await plant.client(api)
        hold = doomed.tollgate.hold(updates(_DAYS, _settles))
        await plant.upload(ada, 1)
        await hold.caught()
        assert await _sums(plant) == [(0, _COST, True)] * 2
        await doomed.kill()
        hold.drop()
        await _until_spent(plant, _COST)


@pytest.mark.long
@pytest.mark.timeout(90)
async def test_worker_killed_in_its_call_leaves_the_estimate_of_one_and_the_cost_of_the_next(tmp_path: Path) -> None:
    async with planted(tmp_path, redis=True, **_SETTINGS) as plant:
        api, doomed = await asyncio.gather(plant.api(), plant.worker())
        ada = await plant.client(api)
        plant.gemini.hold()
        await plant.upload(ada, 1)
        await plant.gemini.until(lambda seen: seen.in_flight == 1)
        await doomed.kill()
        plant.gemini.release()
        await plant.worker()
        await _until_spent(plant, 2 * _COST)
        usage = (await ada.run(_USAGE))["viewer"]["usage"]
    assert (usage["calls"], usage["maybeBilled"], usage["unpricedCalls"], usage["cost"]) == (2, 1, 1, None)


@pytest.mark.timeout(90)
async def test_reservation_whose_acknowledgement_is_lost_counts_once(tmp_path: Path) -> None:
    async with planted(tmp_path, redis=True, **_SETTINGS) as plant:
        api, worker = await asyncio.gather(plant.api(), plant.worker(tollgate=True))
        ada = await plant.client(api)
        plant.gemini.hold()
        hold = worker.tollgate.hold_reply(finds_and_modifies(_DAYS))
        await plant.upload(ada, 1)
        await hold.caught()
        hold.drop()
        await plant.gemini.until(lambda seen: seen.in_flight == 1)
        assert await _sums(plant) == [(0, _COST, True)] * 2
        plant.gemini.release()
        await _until_spent(plant, _COST)
