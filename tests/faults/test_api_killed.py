"""The API's process is killed while many follow and much runs: the next one goes on with every event and every work."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.faults.follower import all_see, assert_told_once, following
from tests.faults.plant import planted
from tests.faults.provider import overloaded

_MANY = 50 if os.environ.get("FULL") else 10
_TOGETHER = {
    "WORKER_SLOTS": f"{_MANY}",
    "USER_RUNNING_LIMIT": f"{_MANY}",
    "GEMINI_CONCURRENCY": f"{_MANY}",
    "LEASE_S": "5",
}
_RETRY_S = 2.0
pytestmark = pytest.mark.timeout(240)


@pytest.mark.long
async def test_killed_api_owes_no_follower_an_event(tmp_path: Path) -> None:
    half = _MANY // 2
    async with planted(tmp_path, redis=True, **_TOGETHER) as plant:
        doomed, _ = await asyncio.gather(plant.api(), plant.worker())
        ada = await plant.client(doomed)
        image = await plant.first_image(ada)
        plant.gemini.hold()
        plant.gemini.then(*[overloaded(_RETRY_S)] * half)
        ids = await plant.regenerate(ada, image, _MANY)
        async with following(ada, [*ids, *ids[:half]]) as followers:
            await plant.gemini.until(lambda seen: seen.in_flight == _MANY)
            await all_see(followers, lambda one: "STAGE" in one.types)
            await doomed.kill()
            plant.gemini.release()  # half of them end and half fail while nobody listens
            await plant.gemini.until(lambda seen: len(seen.answered) == 1 + _MANY)
            plant.gemini.hold()
            again = await plant.client(await plant.api(), like=ada)
            for follower in followers:
                follower.client = again
            await plant.gemini.until(lambda seen: seen.in_flight == half)
            await all_see(followers, lambda one: one.ended or one.types.count("STARTED") == 2)
            plant.gemini.release()
        census = await plant.wait_until_whole(1 + _MANY)
        assert_told_once(followers, census)
        assert census.statuses == {"SUCCEEDED": 1 + _MANY}
        assert sum(len(one.results) for one in census.generations) == 1 + _MANY
        assert len(plant.gemini.calls) == census.calls == 1 + _MANY + half
        assert [len(one.attempts) for one in census.generations].count(2) == half
        assert all(one.connections == 2 for one in followers)


@pytest.mark.long
async def test_one_process_and_its_database_killed_together_lose_nothing(tmp_path: Path) -> None:
    async with planted(tmp_path, redis=False, **_TOGETHER) as plant:
        doomed = await plant.api()
        ada = await plant.client(doomed)
        image = await plant.first_image(ada)
        plant.gemini.hold()
        ids = await plant.regenerate(ada, image, _MANY)
        async with following(ada, ids) as followers:
            await plant.gemini.until(lambda seen: seen.in_flight == _MANY)
            await all_see(followers, lambda one: "STAGE" in one.types)
            await asyncio.gather(doomed.kill(), plant.database.stop())
            plant.gemini.release()
            await plant.database.start()
            again = await plant.client(await plant.api(), like=ada)
            for follower in followers:
                follower.client = again
        census = await plant.wait_until_whole(1 + _MANY)
        assert_told_once(followers, census)
        assert census.statuses == {"SUCCEEDED": 1 + _MANY}
        assert sum(len(one.results) for one in census.generations) == 1 + _MANY
        assert len(plant.gemini.calls) == census.calls == 1 + 2 * _MANY
        cut_off = {one.id for one in census.generations if [call.maybe_billed for call in one.calls] == [True, False]}
        assert cut_off == set(ids)
