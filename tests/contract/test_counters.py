"""What every storage of counters must do, in this process or over Redis."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from limits.aio.storage import Storage

from app.accounts.counters import Counters
from app.generations.redis.counters import RedisCounters
from tests.contract.conftest import RedisServer

pytestmark = pytest.mark.timeout(20)


@pytest.fixture(params=["here", "redis"])
async def counters(request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
    if request.param == "here":
        yield Counters()
        return
    over_redis = RedisCounters(request.getfixturevalue("redis_url"), Counters())
    async with over_redis.opened():
        assert await over_redis.check()
        yield over_redis


async def test_counts_add_up_and_can_be_taken_back(counters: Storage) -> None:
    assert await asyncio.gather(*(counters.incr("a", 60) for _ in range(5))) == [1, 2, 3, 4, 5]
    assert await counters.incr("a", 60, 10) == 15
    assert await counters.incr("a", 60, -5) == 10
    assert (await counters.get("a"), await counters.get("b")) == (10, 0)


async def test_window_begins_with_the_first_count_and_ends_by_itself(counters: Storage) -> None:
    await counters.incr("a", 1)
    ends_at = await counters.get_expiry("a")
    assert 0 < ends_at - time.time() <= 1
    await counters.incr("a", 60)
    assert abs(await counters.get_expiry("a") - ends_at) < 0.1
    while await counters.get("a"):  # noqa: ASYNC110 - its end is a time
        await asyncio.sleep(0.05)
    assert abs(time.time() - ends_at) < 0.5
    assert await counters.incr("a", 60) == 1


async def test_counter_can_be_cleared(counters: Storage) -> None:
    await counters.incr("a", 60)
    await counters.clear("a")
    assert await counters.incr("a", 60) == 1


async def test_processes_count_together_over_redis(redis_url: str) -> None:
    one, other = (RedisCounters(redis_url, Counters()) for _ in range(2))
    async with one.opened(), other.opened():
        assert [await storage.incr("a", 60) for storage in (one, other, one)] == [1, 2, 3]


async def test_no_counter_stays_for_ever_and_none_tells_whose_it_is(redis_url: str, redis_server: RedisServer) -> None:
    counters = RedisCounters(redis_url, Counters())
    async with counters.opened():
        await counters.incr("ada@example.com", 60)
        await counters.incr("bob@example.com", 60, -1)
    for key in redis_server.all_keys():
        assert "example" not in key
        assert redis_server.ends(key)


async def test_while_redis_is_away_each_counts_for_itself(redis_server: RedisServer, redis_url: str) -> None:
    one, other = (RedisCounters(redis_url, Counters()) for _ in range(2))
    async with one.opened(), other.opened():
        redis_server.stop()
        try:
            assert [await storage.incr("a", 60) for storage in (one, other, one)] == [1, 1, 2]
        finally:
            redis_server.start()
        async with asyncio.timeout(10):
            while not (await one.check() and await other.check()):  # noqa: ASYNC110 - it reconnects when it can
                await asyncio.sleep(0.05)
        assert [await storage.incr("a", 60) for storage in (one, other)] == [1, 2]
