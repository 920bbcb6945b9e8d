"""A call is paid for from the day's budgets before it is made, and what is left over comes back."""

import asyncio
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Any, override

import pytest
from beanie import PydanticObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.costs.budgets import Budgets, day_of
from app.costs.days import BudgetDay
from app.costs.prices import PriceList
from app.costs.usage import Unit
from app.errors import AppError, ErrorCode, FailedCall
from app.generations.attempts import Failure
from app.generations.claims import claim
from app.generations.journal import Journal
from app.generations.lanes import Lane
from app.generations.model import Generation, Status
from app.generations.pen import LeaseLostError
from app.generations.purse import settle_left_over
from app.generations.retries import RetryPolicy
from app.generations.slots import ProviderLimits, ProviderSlots
from app.generations.switch import Turn
from app.generations.work import CalledModel, Work
from tests.generations.conftest import RECIPE, MakeEngine, stored
from tests.indexed import point_at

_PICTURE = {Unit.PICTURES: 1}
_MODEL = CalledModel("painter", "test-1", billable=True, expected=_PICTURE)
_PRICES = PriceList.parse(
    '[{"model": "test-1", "unit": "pictures", "amount": "0.04", "currency": "USD", "since": "2026-01-01"}]'
)
_COST = 40_000
_BUSY = Failure(code=ErrorCode.PROVIDER_UNAVAILABLE, message="Later.", retryable=True)


def _budgets(calls: int) -> Budgets:
    """Room for so many calls of each user, and of all."""
    return Budgets(_PRICES, calls * _COST, 10 * calls * _COST)


async def _nothing(_: object) -> None:
    return


async def _paint(work: Work) -> None:
    async with work.call(_MODEL) as call:
        await work.stage("asking", 10)
        call.usage = _PICTURE


async def _days() -> list[BudgetDay]:
    return [BudgetDay.model_validate(row) async for row in BudgetDay.rows().find({}).sort("_id", 1)]


async def _sums() -> list[tuple[int, int, bool]]:
    """Spent, committed and whether something is open, of each budget that there is."""
    return [(day.spent, day.committed, day.open) for day in await _days()]


async def _work(generation: Generation, budgets: Budgets, at: datetime | None = None) -> Work:
    """The next attempt, which the test itself goes on with; `at` is what its clock shows."""
    claimed = await claim(generation.identity, "w1", 30)
    assert claimed is not None
    if at is not None:
        claimed.attempts[-1] = claimed.attempts[-1].model_copy(update={"started_at": at})
    return Work(Journal.of(claimed), _nothing, ProviderLimits({}, 30), budgets)


async def _die_in_a_call(work: Work, stage: str | None = None) -> None:
    """The call is entered, is written if there is a stage, and is cut off."""
    with suppress(asyncio.CancelledError):
        async with work.call(_MODEL):
            if stage:
                await work.stage(stage, 10)
            raise asyncio.CancelledError


async def test_cost_is_in_the_ledger_and_spent_when_the_generation_has_ended(make_engine: MakeEngine) -> None:
    inside: list[tuple[int, int, bool]] = []

    async def script(work: Work) -> None:
        await _paint(work)
        inside.extend(await _sums())
        await _paint(work)

    engine = make_engine(script, budgets=_budgets(3))
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert inside == [(0, _COST, True)] * 2
    assert await _sums() == [(2 * _COST, 2 * _COST, False)] * 2
    assert [(one.cost, one.currency, one.estimated, one.usage) for one in ended.calls] == [
        (_COST, "USD", _COST, {"pictures": 1})
    ] * 2


async def test_refused_call_is_not_made_and_not_in_the_ledger(make_engine: MakeEngine) -> None:
    made = 0

    async def script(work: Work) -> None:
        nonlocal made
        for _ in range(3):
            await _paint(work)
            made += 1

    engine = make_engine(script, budgets=_budgets(2), retries=RetryPolicy(within_s=1))
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert (made, len(ended.calls), len(ended.attempts)) == (2, 2, 1)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.retryable) == (ErrorCode.QUOTA_EXCEEDED, True)
    assert ended.failure.message.startswith("Your budget for today is used up. It resets at ")
    assert ended.failure.retry_after_s is not None
    assert await _sums() == [(2 * _COST, 2 * _COST, False)] * 2


async def test_calls_side_by_side_are_each_counted(make_engine: MakeEngine) -> None:
    inside, refused = 0, 0
    go_on = asyncio.Event()

    async def one(work: Work) -> None:
        nonlocal inside, refused
        try:
            async with work.call(_MODEL) as call:
                inside += 1
                if inside + refused == 4:
                    go_on.set()
                await go_on.wait()
                call.usage = _PICTURE
        except AppError:
            refused += 1
            if inside + refused == 4:
                go_on.set()

    async def script(work: Work) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(one(work))

    engine = make_engine(script, budgets=_budgets(3))
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert (inside, refused, ended.status) == (3, 1, Status.SUCCEEDED)
    assert await _sums() == [(3 * _COST, 3 * _COST, False)] * 2


async def test_call_that_was_not_sent_gives_back_what_it_held(make_engine: MakeEngine) -> None:
    engine, budgets = make_engine(_nothing), _budgets(3)
    work = await _work(await engine.start(), budgets)
    await _paint(work)
    with pytest.raises(AppError):
        async with work.call(_MODEL):
            raise AppError(ErrorCode.PROVIDER_UNAVAILABLE, "Not asked.", call=FailedCall(sent=False))
    assert await _sums() == [(0, _COST, True)] * 2


async def test_call_that_may_have_been_billed_stays_counted(make_engine: MakeEngine) -> None:
    async def script(work: Work) -> None:
        async with work.call(_MODEL):
            await work.stage("asking", 10)
            raise AppError(ErrorCode.TIMEOUT, "Too late.")

    engine = make_engine(script, budgets=_budgets(1))
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert [(one.cost, one.maybe_billed) for one in ended.calls] == [(None, True)]
    assert await _sums() == [(_COST, _COST, False)] * 2


async def test_call_that_was_refused_by_the_provider_costs_nothing(make_engine: MakeEngine) -> None:
    async def script(work: Work) -> None:
        async with work.call(_MODEL):
            await work.stage("asking", 10)
            raise AppError(ErrorCode.CONTENT_BLOCKED, "No.", call=FailedCall("r-1"))

    engine = make_engine(script, budgets=_budgets(1))
    async with engine.working():
        await engine.ended(await engine.start())
    assert await _sums() == [(0, 0, False)] * 2


async def test_free_model_holds_nothing_and_costs_nothing(make_engine: MakeEngine) -> None:
    async def script(work: Work) -> None:
        async with work.call(CalledModel("local", "basic", billable=False)):
            await work.stage("cutting out", 10)

    engine = make_engine(script, budgets=_budgets(0))
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert [(one.cost, one.currency, one.estimated) for one in ended.calls] == [(0, None, None)]
    assert await _days() == []


async def test_model_without_a_price_is_not_called_when_there_is_a_budget(make_engine: MakeEngine) -> None:
    made = False

    async def script(work: Work) -> None:
        nonlocal made
        async with work.call(CalledModel("painter", "new", billable=True, expected=_PICTURE)):
            made = True

    engine = make_engine(script, budgets=_budgets(3))
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert ended.failure is not None
    assert (ended.failure.code, made, ended.calls) == (ErrorCode.PROVIDER_NOT_CONFIGURED, False, [])
    assert "PRICES" in ended.failure.message


async def test_new_work_is_refused_at_once_when_the_budget_is_used_up_and_known_work_is_answered(
    make_engine: MakeEngine,
) -> None:
    engine, owner = make_engine(_paint, budgets=_budgets(1)), PydanticObjectId()
    async with engine.working():
        known = await engine.ended(await engine.start(owner, "key"))
    with pytest.raises(AppError, match="It resets at") as refused:
        await engine.start(owner, "other key")
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.QUOTA_EXCEEDED, True)
    assert (await engine.start(owner, "key")).identity == known.identity
    assert (await engine.start()).status is Status.QUEUED  # somebody else's is not
    free = RECIPE.model_copy(update={"provider": "local", "model": "basic"})
    assert (await engine.generations.start(owner, "TEST", free, None)).status is Status.QUEUED


async def test_crash_between_the_end_and_its_settlement_is_made_good_by_the_sweep(make_engine: MakeEngine) -> None:
    engine, budgets = make_engine(_nothing), _budgets(3)
    work = await _work(await engine.start(), budgets)
    await _paint(work)
    await settle_left_over()
    assert await _sums() == [(0, _COST, True)] * 2  # it has not ended
    await work.journal.end(Status.FAILED, None)
    for _ in range(2):
        await settle_left_over()
    assert await _sums() == [(_COST, _COST, False)] * 2


async def test_worker_that_died_in_a_call_leaves_its_estimate_spent(make_engine: MakeEngine) -> None:
    engine, budgets = make_engine(_nothing), _budgets(3)
    generation = await engine.start()
    work = await _work(generation, budgets)
    await _die_in_a_call(work, "asking")  # nothing of what follows is written
    past = {"$set": {"lease.until": {"$subtract": ["$$NOW", 1000]}}}
    await Generation.rows().update_one({"_id": generation.identity}, [past])
    await engine.generations.cancel(generation.owner_id, generation.identity)
    await settle_left_over()
    assert [one.outcome for one in (await stored(generation)).calls] == ["LEASE_LOST"]
    assert await _sums() == [(_COST, _COST, False)] * 2


async def test_worker_that_died_before_its_call_was_written_leaves_nothing_spent(make_engine: MakeEngine) -> None:
    engine, budgets = make_engine(_nothing), _budgets(3)
    generation = await engine.start()
    work = await _work(generation, budgets)
    await _die_in_a_call(work)
    assert await _sums() == [(0, _COST, True)] * 2
    await work.journal.end(Status.CANCELLED, None)
    await settle_left_over()
    assert await _sums() == [(0, 0, False)] * 2


async def test_attempt_that_was_taken_over_makes_no_call(make_engine: MakeEngine) -> None:
    """It wakes after its generation has ended and was settled."""
    engine, budgets = make_engine(_nothing, budgets=_budgets(3)), _budgets(3)
    generation = await engine.start()
    sleeper = await _work(generation, budgets)
    await _paint(sleeper)
    past = {"$set": {"lease.until": {"$subtract": ["$$NOW", 1000]}}}
    await Generation.rows().update_one({"_id": generation.identity}, [past])
    await engine.generations.cancel(generation.owner_id, generation.identity)
    made = False
    with pytest.raises(LeaseLostError):
        async with sleeper.call(_MODEL):
            made = True
    assert not made
    assert await _sums() == [(_COST, _COST, False)] * 2


async def test_attempt_that_has_written_nothing_for_long_asks_whether_it_still_holds_its_generation(
    make_engine: MakeEngine,
) -> None:
    engine, budgets = make_engine(_nothing), _budgets(3)
    generation = await engine.start()
    work = await _work(generation, budgets)
    work.journal.pen.confirmed_s -= 60
    await _paint(work)
    assert await _sums() == [(0, _COST, True)] * 2
    work.journal.pen.confirmed_s -= 60
    await Generation.rows().update_one({"_id": generation.identity}, {"$set": {"attempt": 2}})
    with pytest.raises(LeaseLostError):
        await _paint(work)
    assert await _sums() == [(0, _COST, True)] * 2


async def test_each_day_is_charged_for_its_own_calls_when_midnight_passes_between_two_attempts(
    make_engine: MakeEngine,
) -> None:
    engine, budgets = make_engine(_nothing, budgets=_budgets(1)), _budgets(1)
    generation = await engine.start()
    midnight = datetime.combine(day_of(generation.created_at) + timedelta(days=2), time(), generation.created_at.tzinfo)
    before = await _work(generation, budgets, midnight - timedelta(seconds=30))
    await _paint(before)
    await before.journal.retry(_BUSY, 0)
    await Generation.rows().update_one({"_id": generation.identity}, {"$set": {"notBefore": None}})
    after = await _work(generation, budgets, midnight + timedelta(seconds=30))
    await _paint(after)
    assert await _sums() == [(0, _COST, True)] * 4  # each day bears one call; two would be too much for a day
    event = await after.journal.end(Status.FAILED, None)
    await engine.runner.closing.close(after.generation, Status.FAILED, event)
    assert await _sums() == [(_COST, _COST, False)] * 4
    assert len({day.day for day in await _days()}) == 2


class Asked(CommandListener):
    """The collections that commands named."""

    def __init__(self) -> None:
        self.collections: list[str] = []

    @override
    def started(self, event: CommandStartedEvent) -> None:
        self.collections.append(str(event.command[event.command_name]))

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    @override
    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.mark.parametrize("calls", [None, 3], ids=["without a budget", "with one"])
async def test_budgets_cost_commands_only_where_there_are_some(
    make_engine: MakeEngine, mongodb_url: str, database: AsyncDatabase[dict[str, Any]], calls: int | None
) -> None:
    asked = Asked()
    async with AsyncMongoClient[dict[str, Any]](mongodb_url, event_listeners=[asked]) as client:
        models = [Generation, Lane, ProviderSlots, BudgetDay, Turn]
        await point_at(client[database.name], models)
        engine = make_engine(_paint, budgets=_budgets(calls) if calls else Budgets(_PRICES))
        asked.collections.clear()
        async with engine.working():
            await engine.ended(await engine.start())
        # with one: the look at acceptance, and for the user and for all: reserved and settled
        assert asked.collections.count("budget_days") == (5 if calls else 0)
