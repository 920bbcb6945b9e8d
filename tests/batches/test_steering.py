"""A batch is started again, or cancelled, as a whole."""

import asyncio

import pytest
from beanie import PydanticObjectId

from app.batches.model import Batch
from app.errors import AppError, ErrorCode
from app.generations.lanes import Lane
from app.generations.service import OwnerLimits
from tests.batches.conftest import MakeOffice, Office, subjects


async def _mixed(office: Office) -> tuple[Batch, list[PydanticObjectId]]:
    """One item succeeded, one failed, one could not be started."""
    wanted = subjects(3)
    office.bench.failing, office.bench.refused = {wanted[1]}, {wanted[2]}
    batch = await office.start(wanted)
    await office.work(batch)
    assert await office.statuses(batch) == ["SUCCEEDED", "FAILED", "FAILED"]
    office.bench.failing, office.bench.refused = set(), set()
    return await office.now(batch), wanted


async def test_retry_starts_what_failed_and_what_could_not_be_started(office: Office) -> None:
    batch, _ = await _mixed(office)
    again = await office.batches.retry(office.owner_id, batch.identity, None, failed_only=True)
    assert await office.statuses(again) == ["SUCCEEDED", "QUEUED", "QUEUED"]
    _, failed, *new = await office.generations()
    assert [one.retry_of for one in new] == [failed.identity, None]
    assert {one.batch_id for one in new} == {batch.identity}
    await office.work(again)
    assert await office.statuses(again) == ["SUCCEEDED"] * 3


async def test_retry_of_all_makes_what_succeeded_once_more(office: Office) -> None:
    batch, wanted = await _mixed(office)
    again = await office.batches.retry(office.owner_id, batch.identity, None, failed_only=False)
    assert await office.statuses(again) == ["QUEUED"] * 3
    made = [one.recipe.prompts[0] for one in await office.generations()]
    assert made.count(str(wanted[0])) == 2
    assert len(set(again.generation_ids) & set(batch.generation_ids)) == 0


async def test_same_retry_starts_nothing_twice(office: Office) -> None:
    batch, wanted = await _mixed(office)
    office.bench.failing = {wanted[1]}
    await office.batches.retry(office.owner_id, batch.identity, "r", failed_only=True)
    await office.work(batch)
    again = await office.batches.retry(office.owner_id, batch.identity, "r", failed_only=True)
    assert await office.statuses(again) == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    await office.batches.retry(office.owner_id, batch.identity, "s", failed_only=True)
    assert await office.statuses(batch) == ["SUCCEEDED", "QUEUED", "SUCCEEDED"]


async def test_two_retries_at_once_start_each_item_once(office: Office) -> None:
    batch, _ = await _mixed(office)
    retry = office.batches.retry
    both = [retry(office.owner_id, batch.identity, None, failed_only=True) for _ in range(2)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [AppError]
    assert len(await office.generations()) == 4


@pytest.mark.parametrize("failed_only", [True, False])
async def test_there_is_nothing_to_retry_while_all_of_it_goes_on(office: Office, *, failed_only: bool) -> None:
    batch = await office.start(subjects(2))
    with pytest.raises(AppError, match="nothing to retry") as refused:
        await office.batches.retry(office.owner_id, batch.identity, None, failed_only=failed_only)
    assert refused.value.code is ErrorCode.CONFLICT
    assert (await office.now(batch)).settled


async def test_cancel_ends_what_waits_and_lets_stand_what_has_ended(office: Office) -> None:
    batch = await office.start(subjects(3))
    first = batch.generation_ids[0]
    await office.runner.run(first)
    cancelled = await office.batches.cancel(office.owner_id, batch.identity)
    assert await office.statuses(cancelled) == ["SUCCEEDED", "CANCELLED", "CANCELLED"]
    assert cancelled.cancel_requested_at
    lane = await Lane.get(office.owner_id)
    assert lane is not None
    assert lane.open == []


async def test_cancel_rings_for_none_of_those_that_it_is_about_to_cancel(make_office: MakeOffice) -> None:
    office = make_office(OwnerLimits(running=1, queued=10))
    batch = await office.start(subjects(4))
    await office.batches.cancel(office.owner_id, batch.identity)
    ended = {one.identity: one.ended_at for one in await office.generations()}
    moments = [ended[one] for one in batch.generation_ids]
    assert moments == sorted(moments, key=lambda at: at or 0, reverse=True)


async def test_cancelling_again_is_safe_and_too_late_is_a_conflict(office: Office) -> None:
    batch = await office.start(subjects(2))
    await office.batches.cancel(office.owner_id, batch.identity)
    again = await office.batches.cancel(office.owner_id, batch.identity)
    assert again.identity == batch.identity
    done = await office.start(subjects(1))
    await office.work(done)
    with pytest.raises(AppError, match="too late") as refused:
        await office.batches.cancel(office.owner_id, done.identity)
    assert refused.value.code is ErrorCode.CONFLICT


async def test_cancel_while_items_are_being_started_ends_all_of_them(office: Office) -> None:
    batches = list[PydanticObjectId]()

    async def cancelled(place: int) -> None:
        if place == 12:
            (batch,) = await Batch.find_all().to_list()
            batches.append((await office.batches.cancel(office.owner_id, batch.identity)).identity)

    office.bench.after = cancelled
    batch = await office.start(subjects(40))
    assert batches == [batch.identity]
    assert await office.statuses(batch) == ["CANCELLED"] * 40
    assert 13 <= len(await office.generations()) <= 20  # those that nobody began are not
    assert (await office.now(batch)).settled


async def test_cancel_that_a_crash_cut_off_is_finished_by_the_sweep(office: Office) -> None:
    batch = await office.start(subjects(3))
    await Batch.request_cancel(batch.identity)  # and then its process was killed
    assert await office.statuses(batch) == ["QUEUED"] * 3
    await office.sweep()
    assert await office.statuses(batch) == ["CANCELLED"] * 3


async def test_cancelled_batch_is_started_again_by_a_retry(office: Office) -> None:
    batch = await office.start(subjects(2))
    await office.batches.cancel(office.owner_id, batch.identity)
    again = await office.batches.retry(office.owner_id, batch.identity, None, failed_only=True)
    assert again.cancel_requested_at is None
    await office.work(again)
    assert await office.statuses(again) == ["SUCCEEDED"] * 2


async def test_batch_of_another_is_forbidden_and_none_is_not_found(office: Office) -> None:
    batch, stranger = await office.start(subjects(1)), PydanticObjectId()
    for owner_id, batch_id, code in (
        (stranger, batch.identity, ErrorCode.FORBIDDEN),
        (office.owner_id, PydanticObjectId(), ErrorCode.NOT_FOUND),
    ):
        with pytest.raises(AppError) as refused:
            await office.batches.cancel(owner_id, batch_id)
        assert refused.value.code is code
        with pytest.raises(AppError) as refused:
            await office.batches.retry(owner_id, batch_id, None, failed_only=True)
        assert refused.value.code is code
