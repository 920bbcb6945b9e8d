"""A day's budget bears its limit and no more, whoever writes at once, again or too late."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId, init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter of it is untyped
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from app.costs.days import Answer, BudgetDay, Wanted
from app.database.document import utc_now
from tests.costs.conftest import DAY, reservation

_ROOT = Path(__file__).parent.parent.parent
_ROUNDS = 25
_LIMIT = 20


def _wanted(amount: int, order: int = 1, generation_id: PydanticObjectId | None = None, late_s: float = 0) -> Wanted:
    return reservation(amount, generation_id=generation_id, order=order, late_s=late_s).wanted


async def _day(day_id: str = DAY) -> BudgetDay:
    return (await BudgetDay.of_ids([day_id]))[day_id]


async def test_one_of_two_at_once_gets_the_last_of_it(days: type[BudgetDay]) -> None:
    for number in range(_ROUNDS):
        day_id = f"2026-11-23/{number}"
        answers = await asyncio.gather(*(days.reserve(day_id, _wanted(6), 10) for _ in range(2)))
        assert sorted(answer.name for answer in answers) == ["FULL", "HELD"]
        assert (await _day(day_id)).committed == 6


def test_one_in_two_processes_gets_the_last_of_it(
    mongodb_url: str, bare_database: AsyncDatabase[dict[str, Any]]
) -> None:
    command = [sys.executable, "-m", "tests.costs.racer", mongodb_url, bare_database.name, f"{_ROUNDS}"]
    racers = [
        subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module, no shell
        for _ in range(2)
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        outputs = [racer.communicate(timeout=60)[0] for racer in _started(racers)]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
    assert sum(int(output) for output in outputs) == _ROUNDS


def _started(racers: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """All of them told to go, before the first is waited for."""
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    return racers


async def test_repeat_after_a_lost_acknowledgement_counts_once(days: type[BudgetDay]) -> None:
    wanted = _wanted(6)
    assert [await days.reserve(DAY, wanted, 10) for _ in range(3)] == [Answer.HELD] * 3
    day = await _day()
    assert (day.committed, len(day.entries)) == (6, 1)


async def test_next_reservation_of_a_generation_replaces_what_it_held(days: type[BudgetDay]) -> None:
    first = _wanted(6)
    assert await days.reserve(DAY, first, 10) is Answer.HELD
    assert await days.reserve(DAY, first._replace(order=2, amount=10), 10) is Answer.HELD
    assert await days.reserve(DAY, first._replace(order=3, amount=11), 10) is Answer.FULL
    assert (await _day()).committed == 10


async def test_older_reservation_that_arrives_late_changes_nothing(days: type[BudgetDay]) -> None:
    first = _wanted(6)
    assert await days.reserve(DAY, first._replace(order=2, amount=10), 10) is Answer.HELD
    assert await days.reserve(DAY, first, 10) is Answer.STALE
    assert (await _day()).committed == 10


async def test_settled_is_spent_once_and_cannot_be_held_again(days: type[BudgetDay]) -> None:
    wanted = _wanted(6)
    await days.reserve(DAY, wanted, 10)
    for _ in range(2):
        await days.settle(DAY, wanted.generation_id, 4)
    assert await days.reserve(DAY, wanted._replace(order=2), 10) is Answer.STALE
    await days.settle(DAY, wanted.generation_id, 4)
    day = await _day()
    assert (day.spent, day.committed, day.open) == (4, 4, False)
    assert await days.all_open() == []


async def test_worker_that_slept_for_long_reserves_nothing(days: type[BudgetDay]) -> None:
    assert await days.reserve(DAY, _wanted(6, late_s=31), 10) is Answer.STALE
    assert (await _day()).entries == []


async def test_closed_entry_is_forgotten_once_nothing_can_arrive_any_more(days: type[BudgetDay]) -> None:
    wanted = _wanted(6)
    await days.reserve(DAY, wanted, 10)
    await days.settle(DAY, wanted.generation_id, 4)
    past = {"$set": {"entries.0.closedAt": utc_now() - timedelta(seconds=61)}}
    await days.rows().update_one({"_id": DAY}, past)
    other = _wanted(1)
    await days.reserve(DAY, other, 10)
    day = await _day()
    assert [one.generation_id for one in day.entries] == [other.generation_id]
    assert day.committed == 5


@pytest.mark.parametrize("rest", [0, 3])
async def test_lowered_entry_holds_the_rest(days: type[BudgetDay], rest: int) -> None:
    wanted = _wanted(6)
    await days.reserve(DAY, wanted, 10)
    for _ in range(2):
        await days.lower(DAY, wanted.generation_id, wanted.order, rest)
    day = await _day()
    assert (day.committed, day.open) == (rest, rest > 0)


async def test_entry_that_was_made_anew_since_is_not_lowered(days: type[BudgetDay]) -> None:
    wanted = _wanted(6)
    await days.reserve(DAY, wanted, 10)
    await days.reserve(DAY, wanted._replace(order=2, amount=8), 10)
    await days.lower(DAY, wanted.generation_id, wanted.order, 0)
    assert (await _day()).committed == 8


async def test_days_before_a_day_are_dropped_unless_something_is_open(days: type[BudgetDay]) -> None:
    for day_id in ("2026-10-13/all", "2026-10-14/all", "2026-10-12/all"):
        wanted = _wanted(1)
        await days.reserve(day_id, wanted, 10)
        if day_id != "2026-10-12/all":
            await days.settle(day_id, wanted.generation_id, 1)
    await days.forget_before("2026-10-14")
    assert sorted([row["_id"] async for row in days.rows().find({})]) == ["2026-10-12/all", "2026-10-14/all"]


_STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["call", "call", "repeat", "late", "end"]), st.integers(1, 9)),
    min_size=5,
    max_size=25,
)


@pytest.mark.long
@settings(max_examples=20)
@given(_STEPS)
def test_committed_never_exceeds_the_limit_and_all_that_was_spent_is_counted(
    mongodb_url: str, steps: list[tuple[int, str, int]]
) -> None:
    asyncio.run(_lived(mongodb_url, steps))


async def _lived(url: str, steps: list[tuple[int, str, int]]) -> None:
    name = f"budgets_{PydanticObjectId()}"
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        await init_beanie(database=client[name], document_models=[BudgetDay])
        spenders = [Spender() for _ in range(4)]
        for number, what, amount in steps:
            await spenders[number].do(what, amount)
            days = await BudgetDay.of_ids([DAY])
            assert all(day.committed <= _LIMIT for day in days.values())
        for spender in spenders:
            await spender.do("end", 0)
        days = await BudgetDay.of_ids([DAY])
        assert sum(day.spent for day in days.values()) == sum(spender.cost for spender in spenders)
        assert not any(day.open for day in days.values())
        await client.drop_database(name)


class Spender:
    """A generation: each of its calls costs as much as was expected, or less."""

    def __init__(self) -> None:
        self.identity = PydanticObjectId()
        self.cost = 0
        self.asked: list[Wanted] = []
        self.ended = False

    async def do(self, what: str, amount: int) -> None:
        if what == "call" and not self.ended:
            self.asked.append(_wanted(self.cost + amount, len(self.asked) + 1, self.identity))
            if await BudgetDay.reserve(DAY, self.asked[-1], _LIMIT) is Answer.HELD:
                self.cost += amount - amount // 3
        elif what == "repeat" and self.asked and not self.ended:
            await BudgetDay.reserve(DAY, self.asked[-1], _LIMIT)
        elif what == "late" and self.asked:
            await BudgetDay.reserve(DAY, self.asked[0], _LIMIT)
        elif what == "end":
            self.ended = True
            await BudgetDay.settle(DAY, self.identity, self.cost)
