"""Who asks for a large batch is answered before all of it is started."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.batches.errands import Errands
from app.batches.model import Batch
from tests.batches.conftest import Office, subjects
from tests.generations.conftest import until


@pytest.fixture
async def errands(office: Office) -> AsyncIterator[Errands]:
    """Of a process that is at work, and whose callers have no patience."""
    errands = office.batches.errands
    errands.patience_s = 0
    running = asyncio.create_task(errands.run())
    await asyncio.sleep(0)
    yield errands
    running.cancel()
    await asyncio.wait((running,))


async def _is_settled(office: Office, batch: Batch) -> bool:
    return (await office.now(batch)).settled


@pytest.mark.usefixtures("errands")
async def test_call_is_answered_while_items_are_still_started(office: Office) -> None:
    going = asyncio.Event()

    async def held(place: int) -> None:
        if place == 1:
            await going.wait()

    office.bench.before = held
    batch = await office.start(subjects(3))
    assert not batch.settled
    assert await office.statuses(batch) == ["QUEUED"] * 3
    going.set()
    await until(lambda: _is_settled(office, batch))
    assert len((await office.now(batch)).generation_ids) == 3


async def test_errands_that_the_end_of_the_process_breaks_off_are_done_later(office: Office) -> None:
    errands, began = office.batches.errands, asyncio.Event()
    errands.patience_s = 0
    running = asyncio.create_task(errands.run())
    await asyncio.sleep(0)

    async def held(place: int) -> None:
        if place == 1:
            began.set()
            await asyncio.Event().wait()

    async def nothing(place: int) -> None: ...

    office.bench.before = held
    batch = await office.start(subjects(3))
    await began.wait()
    running.cancel()
    await asyncio.wait((running,))
    assert not (await office.now(batch)).settled
    office.bench.before = nothing
    await office.sweep()
    assert len((await office.now(batch)).generation_ids) == len(await office.generations()) == 3


async def test_callers_do_what_is_too_much_for_the_process_themselves(office: Office, errands: Errands) -> None:
    errands.at_once = 0
    batch = await office.start(subjects(2))
    assert batch.settled
    assert await Batch.count() == 1
