import asyncio
from functools import partial
from threading import Event, active_count

import pytest

from app.errors import AppError, ErrorCode
from app.pictures.pool import PicturePool


@pytest.fixture
def opened() -> Event:
    return Event()


async def test_no_more_threads_work_than_there_are_and_all_is_done(opened: Event) -> None:
    pool, before = PicturePool(2), active_count()
    tasks = [asyncio.create_task(pool.run(partial(opened.wait, 30))) for _ in range(6)]
    await asyncio.sleep(0)
    assert pool.is_busy
    assert active_count() - before <= 2
    opened.set()
    assert await asyncio.gather(*tasks) == [True] * 6
    assert active_count() - before <= 2
    await pool.close()


async def test_one_more_than_may_wait_is_told_when_to_come_back(opened: Event) -> None:
    pool = PicturePool(1, waiting=2)
    tasks = [asyncio.create_task(pool.run(partial(opened.wait, 30))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(AppError) as refused:
        await pool.run(opened.is_set)
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.UNAVAILABLE, True)
    assert refused.value.retry_after_s == 5
    opened.set()
    assert await asyncio.gather(*tasks) == [True] * 3
    assert await pool.run(opened.is_set)


async def test_nobody_waits_for_longer_than_patience_allows(opened: Event) -> None:
    pool = PicturePool(1, patience_s=0.01)
    working = asyncio.create_task(pool.run(partial(opened.wait, 30)))
    await asyncio.sleep(0)
    with pytest.raises(AppError, match="Too many"):
        await pool.run(opened.is_set)
    opened.set()
    assert await working
    assert await pool.run(opened.is_set)


async def test_work_on_generations_is_never_sent_away(opened: Event) -> None:
    pool = PicturePool(1, waiting=0, patience_s=0.01)
    tasks = [asyncio.create_task(pool.work(partial(opened.wait, 30))) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(AppError):
        await pool.run(opened.is_set)
    opened.set()
    assert await asyncio.gather(*tasks) == [True] * 5


async def test_who_is_cancelled_leaves_at_once_and_takes_no_place(opened: Event) -> None:
    pool = PicturePool(1, waiting=1)
    working, waiting = [asyncio.create_task(pool.run(partial(opened.wait, 30))) for _ in range(2)]
    await asyncio.sleep(0)
    for task in (waiting, working):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    opened.set()
    assert [await pool.run(opened.is_set) for _ in range(3)] == [True] * 3
    assert not pool.is_busy
