"""Every item of an accepted batch is started, each once, or says why it could not be."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from beanie import PydanticObjectId
from pymongo.errors import AutoReconnect

from app.batches.model import Batch
from app.batches.service import Chosen, Wanted
from app.errors import AppError, ErrorCode
from app.generations.model import Generation
from app.generations.service import OwnerLimits
from tests.batches.conftest import WANTED, MakeOffice, Office, subjects
from tests.sampled import sampled

_MANY = 25


class KilledError(BaseException):
    """The process ends here."""


def _at(place: int, error: BaseException) -> Callable[[int], Awaitable[None]]:
    async def happen(now: int) -> None:
        if now == place:
            raise error

    return happen


async def _assert_each_once(office: Office, batch: Batch, wanted: list[PydanticObjectId]) -> None:
    made, now = await office.generations(), await office.now(batch)
    assert sorted(one.recipe.prompts[0] for one in made) == sorted(str(one) for one in wanted)
    assert {one.batch_id for one in made} == {batch.identity}
    by_id = {one.identity: one.recipe.prompts[0] for one in made}
    assert [by_id[one] for one in now.generation_ids] == [str(one) for one in wanted]
    assert now.settled


async def test_each_subject_becomes_one_generation_under_the_batch_and_its_place(office: Office) -> None:
    wanted = subjects(3)
    batch = await office.start(wanted)
    keys = [one.idempotency_key for one in await office.generations()]
    assert keys == [f"{office.owner_id}:{batch.identity}:{place}" for place in range(3)]
    await _assert_each_once(office, batch, wanted)


async def test_subject_that_can_not_be_started_says_why_and_holds_up_no_other(office: Office) -> None:
    first, bad, last = subjects(3)
    office.bench.refused = {bad}
    batch = await office.start([first, bad, last])
    assert await office.statuses(batch) == ["QUEUED", "FAILED", "QUEUED"]
    failure = (await office.standing(batch))[1].failure
    assert failure
    assert (failure.code, failure.message) == (ErrorCode.NOT_FOUND, "There is no such thing.")
    assert [one.subject_id for one in batch.items] == [first, bad, last]


async def test_full_queue_refuses_the_rest_item_by_item(make_office: MakeOffice) -> None:
    office = make_office(OwnerLimits(running=1, queued=2))
    batch = await office.start(subjects(5))
    assert await office.statuses(batch) == ["QUEUED"] * 3 + ["FAILED"] * 2
    refused = (await office.standing(batch))[4].failure
    assert refused
    assert (refused.code, refused.retryable) == (ErrorCode.RATE_LIMITED, True)


async def test_same_key_is_the_same_batch_whatever_has_changed_since(office: Office) -> None:
    batch = await office.start(subjects(2), "k")
    again = await office.start(subjects(3), "k")  # a filter would find others by now
    assert again.identity == batch.identity
    assert len(await office.generations()) == 2


async def test_key_of_another_input_is_a_conflict(office: Office) -> None:
    await office.start(subjects(1), "k")

    async def choose() -> Chosen:
        raise AssertionError

    other = Wanted(WANTED.kind, WANTED.parameters, "another input")
    with pytest.raises(AppError) as refused:
        await office.batches.start(office.owner_id, other, choose, "k")
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "idempotencyKey"))


async def test_two_calls_with_one_key_at_once_are_one_batch(office: Office) -> None:
    wanted = subjects(4)
    one, other = await asyncio.gather(office.start(wanted, "k"), office.start(wanted, "k"))
    assert one.identity == other.identity
    assert len(await office.generations()) <= 4
    await office.sweep()
    assert len(await office.generations()) == 4


async def test_subjects_that_come_twice_are_taken_once(office: Office) -> None:
    (one,) = subjects(1)
    assert len((await office.start([one, one])).items) == 1


@pytest.mark.parametrize("count", [0, 101])
async def test_batch_of_none_or_too_many_is_refused(office: Office, count: int) -> None:
    with pytest.raises(AppError) as refused:
        await office.start(subjects(count))
    assert refused.value.code is ErrorCode.BAD_USER_INPUT
    assert await Batch.count() == 0


@pytest.mark.parametrize("place", sampled([0, 1, 9, 10, 11, _MANY - 1], 0, 10))
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_batch_cut_off_in_the_middle_is_finished_later_each_item_once(
    office: Office, place: int, moment: str
) -> None:
    setattr(office.bench, moment, _at(place, KilledError()))
    wanted = subjects(_MANY)
    with pytest.raises(KilledError):
        await office.start(wanted, "k")
    office.bench.before, office.bench.after = _never(), _never()
    batch = await Batch.of_key(f"{office.owner_id}:k")
    assert batch
    await office.batches.finish_left_over()
    assert not (await office.now(batch)).settled  # who began may still be at it
    await office.sweep()
    await _assert_each_once(office, batch, wanted)


def _never() -> Callable[[int], Awaitable[None]]:
    return _at(-1, KilledError())


async def test_item_that_was_started_before_the_crash_counts_even_if_it_can_not_be_started_any_more(
    office: Office,
) -> None:
    wanted = subjects(2)
    office.bench.after = _at(0, KilledError())
    with pytest.raises(KilledError):
        await office.start(wanted, "k")
    office.bench.after, office.bench.refused = _never(), {wanted[0]}
    await office.sweep()
    batch = await Batch.of_key(f"{office.owner_id}:k")
    assert batch
    await _assert_each_once(office, batch, wanted)


async def test_database_that_goes_away_in_the_middle_is_no_failure_of_the_call(office: Office) -> None:
    wanted = subjects(3)
    office.bench.before = _at(1, AutoReconnect("gone"))
    batch = await office.start(wanted)
    assert len(await office.generations()) == 1
    assert await office.statuses(batch) == ["QUEUED"] * 3
    office.bench.before = _never()
    await office.sweep()
    await _assert_each_once(office, batch, wanted)


async def test_who_was_slow_and_who_took_over_start_each_item_once(office: Office) -> None:
    wanted, others = subjects(_MANY), list[asyncio.Task[None]]()

    async def taken_over(place: int) -> None:
        if place == 3 and not others:
            others.append(asyncio.create_task(office.sweep()))

    office.bench.before = taken_over
    batch = await office.start(wanted)
    await others[0]
    await office.sweep()
    await _assert_each_once(office, batch, wanted)


async def test_batch_of_another_owner_is_not_seen(office: Office) -> None:
    batch = await office.start(subjects(1))
    assert await office.batches.of(PydanticObjectId(), batch.identity) is None
    assert await Generation.standing([PydanticObjectId()]) == {}
