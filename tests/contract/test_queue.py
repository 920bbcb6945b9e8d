"""What every queue must do, whatever it runs on."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from beanie import PydanticObjectId

from app.generations.redis.queue import RedisQueue
from tests.contract.conftest import Adapters, OverRedis

pytestmark = pytest.mark.timeout(20)


async def _until(true: Callable[[], bool], heard: asyncio.Condition) -> None:
    async with heard:
        await heard.wait_for(true)


async def test_ring_is_heard(adapters: Adapters) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    generation_id = PydanticObjectId()
    async with adapters.queue() as queue, queue.serve(heard.put, 2):
        await queue.ring(generation_id)
        assert await heard.get() == generation_id
        assert await queue.alive()
        assert queue.description


async def test_ring_from_before_the_serving_is_heard(adapters: Adapters) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    ids = {PydanticObjectId() for _ in range(5)}
    async with adapters.queue() as queue:
        for generation_id in ids:
            await queue.ring(generation_id)
            await queue.ring(generation_id)
        async with queue.serve(heard.put, 2):
            assert {await heard.get() for _ in ids} == ids


async def test_same_id_can_be_rung_again_after_it_was_handled(adapters: Adapters) -> None:
    heard = 0
    twice = asyncio.Event()

    async def handle(_: PydanticObjectId) -> None:
        nonlocal heard
        heard += 1
        if heard == 2:
            twice.set()

    generation_id = PydanticObjectId()
    async with adapters.queue() as queue, queue.serve(handle, 1):
        while not twice.is_set():  # a ring while it is being acknowledged may be lost
            await queue.ring(generation_id)
            await asyncio.sleep(0)


async def test_slots_bound_what_runs_at_once(adapters: Adapters) -> None:
    running = done = most = 0
    changed, go = asyncio.Condition(), asyncio.Event()

    async def handle(_: PydanticObjectId) -> None:
        nonlocal running, done, most
        async with changed:
            running += 1
            most = max(most, running)
            changed.notify_all()
        await go.wait()
        async with changed:
            running, done = running - 1, done + 1
            changed.notify_all()

    async with adapters.queue() as queue, queue.serve(handle, 3):
        for _ in range(10):
            await queue.ring(PydanticObjectId())
        await _until(lambda: running == 3, changed)
        go.set()
        await _until(lambda: done == 10, changed)
    assert most == 3


async def test_handler_that_raises_does_not_stop_the_loop(adapters: Adapters) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()

    async def handle(generation_id: PydanticObjectId) -> None:
        await heard.put(generation_id)
        if generation_id == bad:
            message = "the database is away"
            raise RuntimeError(message)

    bad, good = PydanticObjectId(), PydanticObjectId()
    async with adapters.queue() as queue, queue.serve(handle, 1):
        await queue.ring(bad)
        await queue.ring(good)
        assert [await heard.get(), await heard.get()] == [bad, good]


async def test_exit_cancels_what_runs(adapters: Adapters) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def handle(_: PydanticObjectId) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with adapters.queue() as queue:
        async with queue.serve(handle, 2):
            await queue.ring(PydanticObjectId())
            await started.wait()
        assert cancelled.is_set()


async def test_ring_of_one_process_is_heard_in_another(over_redis: OverRedis) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    ids = {PydanticObjectId() for _ in range(20)}
    async with AsyncExitStack() as stack:
        ringer = await stack.enter_async_context(over_redis.queue())
        for _ in range(2):
            worker = await stack.enter_async_context(over_redis.queue())
            await stack.enter_async_context(worker.serve(heard.put, 2))
        for generation_id in ids:
            await ringer.ring(generation_id)
        assert {await heard.get() for _ in ids} == ids


async def test_what_an_exit_cut_off_is_heard_by_another_process(over_redis: OverRedis) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()

    async def never_done(generation_id: PydanticObjectId) -> None:
        await heard.put(generation_id)
        await asyncio.Event().wait()

    generation_id = PydanticObjectId()
    async with over_redis.queue() as queue:
        async with queue.serve(never_done, 1):
            await queue.ring(generation_id)
            assert await heard.get() == generation_id
        async with over_redis.queue() as other, other.serve(heard.put, 1):
            assert await heard.get() == generation_id


def test_description_tells_no_credentials() -> None:
    assert RedisQueue("redis://me:hidden@redis.example:7000/2").description == "Redis Streams at redis.example:7000"
    assert "hidden" not in repr(RedisQueue("redis://me:hidden@redis.example:7000/2"))
