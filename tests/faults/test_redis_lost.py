"""Redis is killed, stopped, paused, or loses messages while much runs and is followed: it carries nothing but hints."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.faults.follower import all_see, following, looking_on
from tests.faults.redis_gate import message_of
from tests.faults.shop import Shop, at_work

_AWAY_S = 10.0 if os.environ.get("FULL") else 3.0
_RUNNING, _WAITING = 4, 4
_ANSWERED_S = 4.0
"""A mutation rings once and tells once; each gives up after a second."""
_TOLD_S = 8.0
"""A process looks every 5 s how far what is followed in it has come; a loaded machine is late."""
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Shop]:
    """One for all: each fault is over before the next one."""
    async with at_work(tmp_path_factory.mktemp("shop"), redis_gate=True, LEASE_S="5") as shop:
        yield shop


@pytest.fixture(autouse=True)
def held(shop: Shop) -> None:
    """The calls to come wait at the provider."""
    shop.plant.gemini.hold()


async def _quickly(shop: Shop, count: int, prefix: str) -> list[str]:
    """Have as many more accepted within seconds."""
    async with asyncio.timeout(_ANSWERED_S):
        return await shop.regenerate(count, prefix)


async def test_redis_killed_and_back_empty_loses_and_doubles_nothing(shop: Shop) -> None:
    ids = await shop.regenerate(_RUNNING + _WAITING, "killed")
    async with following(shop.ada, ids) as followers:
        await shop.plant.gemini.until(lambda seen: seen.in_flight == _RUNNING)
        await asyncio.to_thread(shop.redis.stop, signal.SIGKILL)
        await asyncio.to_thread(shop.redis.start)
        shop.plant.gemini.release()
    await shop.assert_done(followers)


@pytest.mark.long
async def test_work_is_accepted_and_goes_on_while_redis_is_stopped(shop: Shop) -> None:
    before = await shop.regenerate(_RUNNING, "stopped, before")
    async with following(shop.ada, before) as of_before:
        await shop.plant.gemini.until(lambda seen: seen.in_flight == _RUNNING)
        await asyncio.to_thread(shop.redis.stop, signal.SIGTERM)
        during = await _quickly(shop, _WAITING, "stopped, during")
        assert (await shop.readiness())["queue"] == "unavailable"
        shop.plant.gemini.release()
        async with following(shop.ada, during) as of_during:
            await asyncio.sleep(_AWAY_S)
            await asyncio.to_thread(shop.redis.start)
    await shop.assert_done([*of_before, *of_during])
    assert (await shop.readiness())["queue"] == "ok"


@pytest.mark.long
async def test_work_is_accepted_within_seconds_while_redis_hangs(shop: Shop) -> None:
    before = await shop.regenerate(_RUNNING, "hanging, before")
    async with following(shop.ada, before) as of_before:
        await shop.plant.gemini.until(lambda seen: seen.in_flight == _RUNNING)
        shop.redis.pause()
        during = await _quickly(shop, _WAITING, "hanging, during")
        assert (await shop.readiness())["queue"] == "unavailable"
        shop.plant.gemini.release()
        async with following(shop.ada, during) as of_during:
            await asyncio.sleep(_AWAY_S)
            shop.redis.resume()
    await shop.assert_done([*of_before, *of_during])


async def test_lost_messages_delay_who_follows_by_seconds(shop: Shop) -> None:
    gate, lost = shop.api.redis_gate, len(shop.api.redis_gate.lost)
    ids = await shop.regenerate(_RUNNING, "lost")
    of_all, of_last, of_one, _ = ids
    async with following(shop.ada, [*ids, *ids]) as followers:
        await shop.plant.gemini.until(lambda seen: seen.in_flight == _RUNNING)
        await all_see(followers, lambda one: "STAGE" in one.types)
        gate.lose(3, message_of(of_all))
        gate.lose(1, message_of(of_last, "SUCCEEDED"))
        gate.lose(1, message_of(of_one, "STAGE"))
        shop.plant.gemini.release()
        await gate.until_lost(lost + 5)
        async with asyncio.timeout(_TOLD_S):
            await all_see(followers, lambda one: one.ended)
    await shop.assert_done(followers)
    assert len(gate.lost) == lost + 5
    assert all(one.connections == 1 for one in followers)


@pytest.mark.long
async def test_viewer_events_miss_nothing_over_a_killed_database_and_lost_messages(shop: Shop) -> None:
    async with looking_on(shop.ada) as onlooker:
        gemini, gate, lost = shop.plant.gemini, shop.api.redis_gate, len(shop.api.redis_gate.lost)
        answered = len(gemini.answered)
        ids = set(await shop.regenerate(_RUNNING + _WAITING, "looked on"))
        await gemini.until(lambda seen: seen.in_flight == _RUNNING)
        await onlooker.until(lambda one: ids <= one.known.keys())
        await shop.plant.database.stop()
        gemini.release()
        await gemini.until(lambda seen: len(seen.answered) == answered + _RUNNING)
        gemini.hold()
        await asyncio.sleep(_AWAY_S)
        await shop.plant.database.start()
        await onlooker.until(lambda one: len(ids & one.ended) == _RUNNING)
        await gemini.until(lambda seen: seen.in_flight == _WAITING)
        waiting = ids - onlooker.ended
        await onlooker.until(lambda one: all(one.known[which] > 1 for which in waiting))
        for which in waiting:
            gate.lose(1, message_of(which, "SUCCEEDED"))
        gemini.release()
        await gate.until_lost(lost + _WAITING)
        await onlooker.until(lambda one: ids <= one.ended, _TOLD_S)
        census = await shop.assert_done()
        assert {one: onlooker.known[one] for one in ids} == {one: census.of(one).last_sequence for one in ids}
        assert onlooker.missed == []
