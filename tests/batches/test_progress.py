"""A batch is followed to its end, and nothing of it is missed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from app.batches.model import Batch
from app.batches.progress import Progress, progress
from app.generations.events import EventType, GenerationEvent
from app.generations.inprocess import InProcessHub
from tests.batches.conftest import MakeOffice, Office, listening, subjects


def _told(office: Office, batch: Batch) -> AsyncGenerator[Progress]:
    return progress(office.hub, batch)


def _statuses(now: Progress) -> list[str]:
    return [one.status.value for one in now.standing]


async def _to_the_end(office: Office, batch: Batch) -> list[Progress]:
    async with asyncio.timeout(30):
        return [now async for now in _told(office, batch)]


async def test_each_end_is_told_and_the_last_one_is_the_end(office: Office) -> None:
    wanted = subjects(3)
    office.bench.failing = {wanted[1]}
    batch = await office.start(wanted)
    async with asyncio.timeout(30), aclosing(_told(office, batch)) as told:
        first = await anext(told)
        assert (_statuses(first), first.changed) == (["QUEUED"] * 3, [])
        now, ended = first, list[int]()
        for place, generation_id in enumerate(batch.generation_ids):
            await office.runner.run(generation_id)
            while len(ended) <= place:
                now = await anext(told)
                ended += [one for one in now.changed if now.standing[one].status.ended]
        assert ended == [0, 1, 2]
        assert _statuses(now) == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
        with pytest.raises(StopAsyncIteration):
            await anext(told)
    assert office.hub.followers.count == 0


async def test_who_comes_late_is_told_everything_at_once(office: Office) -> None:
    batch = await office.start(subjects(2))
    await office.work(batch)
    (only,) = await _to_the_end(office, batch)
    assert (_statuses(only), only.changed) == (["SUCCEEDED"] * 2, [0, 1])


async def test_lost_events_leave_no_hole(make_office: MakeOffice) -> None:
    office = make_office(workers_hub=InProcessHub())  # nobody hears what the worker tells
    batch = await office.start(subjects(2))
    follow = asyncio.create_task(_to_the_end(office, batch))
    await listening(office)
    await office.work(batch)
    assert not follow.done()
    office.hub.followers.miss_all()  # what each process says when it finds out
    assert _statuses((await follow)[-1]) == ["SUCCEEDED"] * 2


async def test_items_that_are_started_only_later_are_followed_too(office: Office) -> None:
    accepted, going = asyncio.Event(), asyncio.Event()

    async def held(place: int) -> None:
        if place == 1:
            accepted.set()
            await going.wait()

    office.bench.before = held
    starting = asyncio.create_task(office.start(subjects(2), "k"))
    await accepted.wait()
    batch = await Batch.of_key(f"{office.owner_id}:k")
    assert batch
    async with asyncio.timeout(30), aclosing(_told(office, batch)) as told:
        assert _statuses(await anext(told)) == ["QUEUED"] * 2
        going.set()
        await starting
        await office.work(batch)
        last = [now async for now in told][-1]
    assert _statuses(last) == ["SUCCEEDED"] * 2


async def test_batch_that_nothing_could_be_started_of_is_over_at_once(office: Office) -> None:
    wanted = subjects(2)
    office.bench.refused = set(wanted)
    (only,) = await _to_the_end(office, await office.start(wanted))
    assert _statuses(only) == ["FAILED"] * 2


async def test_cancelled_batch_ends_its_followers(office: Office) -> None:
    batch = await office.start(subjects(3))
    follow = asyncio.create_task(_to_the_end(office, batch))
    await listening(office)
    await office.batches.cancel(office.owner_id, batch.identity)
    assert _statuses((await follow)[-1]) == ["CANCELLED"] * 3


async def test_other_work_of_the_owner_is_not_told(office: Office) -> None:
    batch = await office.start(subjects(1))
    async with asyncio.timeout(30), aclosing(_told(office, batch)) as told:
        await anext(told)
        other = await office.start(subjects(1))
        await office.work(other)
        event = GenerationEvent(sequence=2, type=EventType.STAGE, at=other.created_at)
        await office.hub.publish(office.owner_id, batch.generation_ids[0], event)  # nor what is no change
        await office.work(batch)
        rest = [now async for now in told]
    assert all(now.batch.identity == batch.identity and now.changed for now in rest)
