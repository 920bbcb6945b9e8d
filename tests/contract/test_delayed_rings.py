"""What every queue must do with rings for later."""

import asyncio

import pytest
from beanie import PydanticObjectId

from tests.contract.conftest import Adapters, OverRedis

pytestmark = pytest.mark.timeout(20)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def test_ring_for_later_is_heard_then_and_once(adapters: Adapters) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    first, last = PydanticObjectId(), PydanticObjectId()
    async with adapters.queue() as queue, queue.serve(heard.put, 2):
        began = _now()
        await queue.ring(first, after_s=0.3)
        assert await heard.get() == first
        assert 0.25 <= _now() - began < 3
        await queue.ring(last, after_s=0.6)
        assert await heard.get() == last


async def test_ring_for_now_is_not_held_up_by_one_for_later(adapters: Adapters) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    generation_id = PydanticObjectId()
    async with adapters.queue() as queue, queue.serve(heard.put, 2):
        began = _now()
        await queue.ring(generation_id, after_s=2)
        await queue.ring(generation_id)
        assert await heard.get() == generation_id
        assert _now() - began < 1.5
        assert await heard.get() == generation_id
        assert _now() - began >= 1.9


async def test_each_handling_can_ask_for_another_one_later(adapters: Adapters) -> None:
    attempts: asyncio.Queue[float] = asyncio.Queue()

    async def handle(generation_id: PydanticObjectId) -> None:
        if attempts.qsize() < 2:
            await queue.ring(generation_id, after_s=0.1)
        await attempts.put(_now())
        if attempts.qsize() == 3:
            done.set()

    done = asyncio.Event()
    async with adapters.queue() as queue, queue.serve(handle, 1):
        await queue.ring(PydanticObjectId())
        await done.wait()
    moments = [attempts.get_nowait() for _ in range(3)]
    assert moments[1] - moments[0] >= 0.05
    assert moments[2] - moments[1] >= 0.05


async def test_ring_for_later_that_is_due_while_its_id_runs_is_heard_after_it(adapters: Adapters) -> None:
    ends: asyncio.Queue[str] = asyncio.Queue()
    lasts_s = 1.0  # longer than it takes until the ring is due and was refused

    async def handle(generation_id: PydanticObjectId) -> None:
        if ends.empty():
            await ends.put("first begun")
            await queue.ring(generation_id, after_s=0.05)
            await asyncio.sleep(lasts_s)
            await ends.put("first ended")
        else:
            await ends.put("second")
            done.set()

    done = asyncio.Event()
    async with adapters.queue() as queue, queue.serve(handle, 2):
        await queue.ring(PydanticObjectId())
        await done.wait()
    assert [ends.get_nowait() for _ in range(3)] == ["first begun", "first ended", "second"]


async def test_ring_for_later_outlives_the_process_that_asked(over_redis: OverRedis) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    generation_id = PydanticObjectId()
    async with over_redis.queue() as ringer:
        await ringer.ring(generation_id, after_s=0.3)
    async with over_redis.queue() as worker, worker.serve(heard.put, 1):
        assert await heard.get() == generation_id
