"""Redis is killed and comes back knowing nothing."""

import asyncio
import gc
import signal
import sys
from collections.abc import Generator

import pytest
from beanie import PydanticObjectId
from streaq import StreaqRetry

from app.generations.redis.desk import Desk
from app.generations.redis.hub import RedisHub
from app.generations.redis.queue import RedisQueue
from tests.contract.conftest import RedisServer, running_redis

pytestmark = [
    pytest.mark.timeout(20),
    # coredis leaves the buffers of a connection that could not be made to the garbage collector
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
]
_DOOMED_WORKER = """
import asyncio, sys
from app.generations.redis.queue import RedisQueue

async def handle(generation_id):
    print(generation_id, flush=True)
    await asyncio.Event().wait()

async def work():
    async with RedisQueue(sys.argv[1], redelivery_s=1).serve(handle, 1):
        await asyncio.Event().wait()

asyncio.run(work())
"""


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(autouse=True)
def collected() -> Generator[None]:
    """What a test leaves to the garbage collector is collected while its own warnings are let through."""
    yield
    gc.collect()


async def _back(queue: RedisQueue) -> None:
    while not await queue.alive():  # noqa: ASYNC110 - it asks the real server
        await asyncio.sleep(0.05)


async def test_rings_are_heard_again_after_an_outage(redis: RedisServer) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    queue, other = RedisQueue(redis.url), RedisQueue(redis.url)
    async with queue.opened(), other.opened(), queue.serve(heard.put, 2):
        first, lost, later = PydanticObjectId(), PydanticObjectId(), PydanticObjectId()
        await other.ring(first)
        assert await heard.get() == first
        redis.stop(signal.SIGKILL)
        began = asyncio.get_running_loop().time()
        for _ in range(50):
            await other.ring(lost)
        assert asyncio.get_running_loop().time() - began < 3
        assert not await other.alive()
        redis.start()
        await _back(other)
        await other.ring(later)
        assert await heard.get() == later


async def test_ring_that_first_notices_the_loss_of_all_data_is_heard(redis: RedisServer) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    queue, other = RedisQueue(redis.url), RedisQueue(redis.url)
    async with queue.opened(), other.opened():
        redis.stop(signal.SIGKILL)
        redis.start()
        generation_id = PydanticObjectId()
        await other.ring(generation_id)
        async with queue.serve(heard.put, 1):
            assert await heard.get() == generation_id


async def test_work_goes_on_during_an_outage_and_is_bounded_after_it(redis: RedisServer) -> None:
    started: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    go = asyncio.Event()
    ended: asyncio.Queue[PydanticObjectId] = asyncio.Queue()

    async def handle(generation_id: PydanticObjectId) -> None:
        await started.put(generation_id)
        await go.wait()
        await ended.put(generation_id)

    queue = RedisQueue(redis.url)
    first, second = PydanticObjectId(), PydanticObjectId()
    async with queue.opened(), queue.serve(handle, 1):
        await queue.ring(first)
        assert await started.get() == first
        redis.stop(signal.SIGKILL)
        await queue.ring(second)
        redis.start()
        await _back(queue)
        await queue.ring(second)
        assert started.empty()
        go.set()
        assert [await ended.get(), await ended.get()] == [first, second]


async def test_ring_that_waits_for_a_slot_when_the_connection_goes_is_given_back() -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    desk = Desk(heard.put, free=asyncio.Semaphore(0))
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    gone.set_result(None)
    generation_id = PydanticObjectId()
    with pytest.raises(StreaqRetry):
        await desk.answer(str(generation_id), 0, gone)
    desk.free.release()
    await desk.answer(str(generation_id), 0, asyncio.get_running_loop().create_future())
    assert await heard.get() == generation_id


async def test_exit_without_redis_is_quick(redis: RedisServer) -> None:
    cancelled = asyncio.Event()
    started = asyncio.Event()

    async def handle(_: PydanticObjectId) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    queue, hub = RedisQueue(redis.url), RedisHub(redis.url)
    async with asyncio.timeout(8), hub.opened(), queue.opened(), queue.serve(handle, 1):
        await queue.ring(PydanticObjectId())
        await started.wait()
        redis.stop(signal.SIGKILL)
    assert cancelled.is_set()


@pytest.mark.long
async def test_start_without_redis_waits_for_it(redis: RedisServer) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    redis.stop(signal.SIGKILL)
    queue = RedisQueue(redis.url)
    async with queue.opened(), queue.serve(heard.put, 1):
        generation_id = PydanticObjectId()
        await queue.ring(generation_id)
        redis.start()
        await _back(queue)
        await queue.ring(generation_id)
        assert await heard.get() == generation_id


async def test_ring_of_a_killed_worker_is_heard_by_another(redis: RedisServer) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    generation_id = PydanticObjectId()
    queue = RedisQueue(redis.url, redelivery_s=1)
    async with queue.opened():
        await queue.ring(generation_id)
        doomed = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _DOOMED_WORKER, redis.url, stdout=asyncio.subprocess.PIPE
        )
        assert doomed.stdout is not None
        assert (await doomed.stdout.readline()).decode().strip() == str(generation_id)
        doomed.kill()
        await doomed.wait()
        async with queue.serve(heard.put, 1):
            assert await heard.get() == generation_id


async def test_ring_for_later_survives_the_worker_that_was_to_hear_it(redis: RedisServer) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    first, later = PydanticObjectId(), PydanticObjectId()
    queue = RedisQueue(redis.url, redelivery_s=1)
    async with queue.opened():
        await queue.ring(first)
        doomed = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _DOOMED_WORKER, redis.url, stdout=asyncio.subprocess.PIPE
        )
        assert doomed.stdout is not None
        await doomed.stdout.readline()
        await queue.ring(later, after_s=0.3)
        doomed.kill()
        await doomed.wait()
        async with queue.serve(heard.put, 2):
            assert {await heard.get(), await heard.get()} == {first, later}


async def test_drain_during_an_outage_waits_for_what_runs(redis: RedisServer) -> None:
    begun, go = asyncio.Event(), asyncio.Event()
    ended: list[PydanticObjectId] = []

    async def handle(generation_id: PydanticObjectId) -> None:
        begun.set()
        await go.wait()
        ended.append(generation_id)

    queue = RedisQueue(redis.url)
    generation_id = PydanticObjectId()
    async with asyncio.timeout(10), queue.opened(), queue.serve(handle, 2) as serving:
        await queue.ring(generation_id)
        await begun.wait()
        redis.stop(signal.SIGKILL)
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(serving.drain(60))
            await asyncio.sleep(0)  # it begins
            assert not draining.done()
            go.set()
    assert ended == [generation_id]


async def test_who_drains_takes_nothing_when_redis_is_back(redis: RedisServer) -> None:
    heard: asyncio.Queue[PydanticObjectId] = asyncio.Queue()
    taken: asyncio.Queue[PydanticObjectId] = asyncio.Queue()

    async def never_done(generation_id: PydanticObjectId) -> None:
        await taken.put(generation_id)
        await asyncio.Event().wait()

    queue, other = RedisQueue(redis.url), RedisQueue(redis.url)
    others = {PydanticObjectId() for _ in range(10)}
    async with queue.opened(), other.opened(), queue.serve(never_done, 4) as serving:
        await queue.ring(PydanticObjectId())
        await taken.get()
        await serving.drain(0.1)
        redis.stop(signal.SIGKILL)
        redis.start()
        await _back(queue)
        async with other.serve(heard.put, 1):
            for generation_id in others:
                await queue.ring(generation_id)
            assert {await heard.get() for _ in others} == others
        assert taken.empty()
