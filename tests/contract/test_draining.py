"""How every queue stops."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from beanie import PydanticObjectId

from tests.contract.conftest import Adapters, OverRedis

pytestmark = pytest.mark.timeout(20)


class _Held:
    """A handler that runs until it is let go."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
        self.ended: list[PydanticObjectId] = []
        self.cancelled: list[PydanticObjectId] = []
        self.go = asyncio.Event()

    async def __call__(self, generation_id: PydanticObjectId) -> None:
        await self.begun.put(generation_id)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.append(generation_id)
            raise
        self.ended.append(generation_id)


async def test_drain_waits_for_what_runs_and_takes_nothing_more(adapters: Adapters) -> None:
    held = _Held()
    first, later = PydanticObjectId(), PydanticObjectId()
    async with adapters.queue() as queue, queue.serve(held, 2) as serving:
        await queue.ring(first)
        assert await held.begun.get() == first
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(serving.drain(10))
            await asyncio.sleep(0)  # it begins
            await queue.ring(later)
            assert not draining.done()
            held.go.set()
    assert held.ended == [first]
    assert held.begun.empty()
    assert not held.cancelled


async def test_drain_of_the_idle_is_quick(adapters: Adapters) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    async with asyncio.timeout(5), adapters.queue() as queue, queue.serve(heard.put, 2) as serving:
        await queue.ring(PydanticObjectId())
        await heard.get()
        await serving.drain(10)


async def test_drain_ends_after_its_grace_and_the_exit_cancels_the_rest(adapters: Adapters) -> None:
    held = _Held()
    stuck = PydanticObjectId()
    async with adapters.queue() as queue:
        async with queue.serve(held, 2) as serving:
            await queue.ring(stuck)
            await held.begun.get()
            began = asyncio.get_running_loop().time()
            await serving.drain(0.2)
            assert 0.15 <= asyncio.get_running_loop().time() - began < 5
            assert not held.cancelled
        assert held.cancelled == [stuck]


async def test_what_one_drains_from_is_heard_by_another_process(over_redis: OverRedis) -> None:
    held = _Held()
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    first, *others = [PydanticObjectId() for _ in range(20)]
    async with AsyncExitStack() as stack:
        queue, other = [await stack.enter_async_context(over_redis.queue()) for _ in range(2)]
        serving = await stack.enter_async_context(queue.serve(held, 4))
        await queue.ring(first)
        assert await held.begun.get() == first
        await stack.enter_async_context(other.serve(heard.put, 1))
        async with asyncio.TaskGroup() as group:
            group.create_task(serving.drain(10))
            await asyncio.sleep(0)  # it begins
            for generation_id in others:
                await queue.ring(generation_id)
            assert {await heard.get() for _ in others} == set(others)
            held.go.set()
    assert held.ended == [first]
    assert held.begun.empty()


async def test_what_ended_while_it_drained_is_not_heard_again(over_redis: OverRedis) -> None:
    held = _Held()
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    first, later = PydanticObjectId(), PydanticObjectId()
    async with over_redis.queue() as queue:
        async with queue.serve(held, 1) as serving:
            await queue.ring(first)
            await held.begun.get()
            held.go.set()
            await serving.drain(10)
        async with over_redis.queue() as other, other.serve(heard.put, 1):
            await asyncio.sleep(1.5)  # a worker's rings are another's after one second of silence
            await other.ring(later)
            assert await heard.get() == later
