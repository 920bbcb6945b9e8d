"""Redis is killed and comes back knowing nothing, while events go through it."""

import asyncio
import gc
import signal
from collections.abc import Generator
from datetime import UTC, datetime

import pytest
from beanie import PydanticObjectId

from app.generations.events import EventType, GenerationEvent
from app.generations.followers import Follower, News
from app.generations.redis.hub import RedisHub
from tests.contract.conftest import RedisServer, running_redis

pytestmark = [
    pytest.mark.timeout(20),
    # coredis leaves the buffers of a connection that could not be made to the garbage collector
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
]
_MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
_OWNER = PydanticObjectId()


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(autouse=True)
def collected() -> Generator[None]:
    """What a test leaves to the garbage collector is collected while its own warnings are let through."""
    yield
    gc.collect()


def _event(sequence: int) -> GenerationEvent:
    return GenerationEvent(sequence=sequence, type=EventType.STAGE, at=_MOMENT)


async def test_followers_are_told_to_reread_and_hear_again_after_an_outage(redis: RedisServer) -> None:
    hub, worker = RedisHub(redis.url), RedisHub(redis.url)
    generation_id = PydanticObjectId()
    async with hub.opened(), worker.opened(), hub.follow(_OWNER, generation_id) as one, hub.follow(_OWNER, None) as two:
        all_live = one.news(), two.news()
        await worker.publish(_OWNER, generation_id, _event(1))
        for live in all_live:
            assert await anext(live) == News(generation_id, _event(1))
        redis.stop(signal.SIGKILL)
        await worker.publish(_OWNER, generation_id, _event(2))
        redis.start()
        for live in all_live:
            assert await anext(live) is None
        await _published(worker, generation_id, _event(3), one)
        for live in all_live:
            assert await anext(live) == News(generation_id, _event(3))


async def _published(worker: RedisHub, generation_id: PydanticObjectId, event: GenerationEvent, to: Follower) -> None:
    """The other process may need a moment longer to connect again."""
    while to.lacks(generation_id, event.sequence):
        await worker.publish(_OWNER, generation_id, event)
        await asyncio.sleep(0.05)


async def test_call_offs_are_heard_again_after_an_outage(redis: RedisServer) -> None:
    api, worker = RedisHub(redis.url), RedisHub(redis.url)
    first, later = PydanticObjectId(), PydanticObjectId()
    async with api.opened(), worker.opened(), worker.called_off() as ids:
        await api.call_off(first)
        assert await anext(ids) == first
        redis.stop(signal.SIGKILL)
        await api.call_off(first)
        redis.start()
        async with asyncio.TaskGroup() as group:
            calling = group.create_task(_called_off_until_cancelled(api, later))
            assert await anext(ids) == later
            calling.cancel()


async def _called_off_until_cancelled(api: RedisHub, generation_id: PydanticObjectId) -> None:
    while True:
        await api.call_off(generation_id)
        await asyncio.sleep(0.05)


async def test_process_without_redis_hears_itself(redis: RedisServer) -> None:
    hub = RedisHub(redis.url)
    generation_id = PydanticObjectId()
    async with hub.opened(), hub.follow(_OWNER, generation_id) as follower, hub.called_off() as ids:
        redis.stop(signal.SIGKILL)
        await hub.publish(_OWNER, generation_id, _event(1))
        assert await anext(follower.news()) == News(generation_id, _event(1))
        await hub.call_off(generation_id)
        assert await anext(ids) == generation_id
