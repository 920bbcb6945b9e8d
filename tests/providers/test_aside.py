import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from app.providers.aside import Aside


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    made = Aside()
    yield made
    await made.close()


async def test_call_runs_in_another_thread_and_its_result_comes_back(aside: Aside) -> None:
    async def call() -> int:
        await asyncio.sleep(0)
        return threading.get_ident()

    assert await aside.run(call) != threading.get_ident()


async def test_failure_comes_back(aside: Aside) -> None:
    async def call() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it has no words
        await aside.run(call)


async def test_cancelled_call_has_ended_before_the_cancellation_goes_on(aside: Aside) -> None:
    begun, ended = threading.Event(), threading.Event()

    async def call() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)  # what a connection takes to close
            ended.set()

    task = asyncio.create_task(aside.run(call))
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_call_that_is_cancelled_before_it_began_never_goes_on(aside: Aside) -> None:
    done: list[int] = []

    async def call() -> None:
        await asyncio.sleep(0.05)
        done.append(1)

    task = asyncio.create_task(aside.run(call))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await aside.run(lambda: asyncio.sleep(0.1))
    assert done == []


async def test_calls_run_side_by_side(aside: Aside) -> None:
    met = asyncio.Barrier(3)

    async def call() -> int:
        return await met.wait()

    assert sorted(await asyncio.gather(*(aside.run(call) for _ in range(3)))) == [0, 1, 2]


async def test_closed_one_leaves_no_thread_and_may_begin_anew(aside: Aside) -> None:
    async def call() -> threading.Thread:
        return threading.current_thread()

    thread = await aside.run(call)
    await aside.close()
    assert not thread.is_alive()
    assert (await aside.run(call)).is_alive()
