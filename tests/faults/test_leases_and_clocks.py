"""Leases hold by the database's clock alone, whoever sweeps, rings, sleeps or has a wrong clock."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.generations.redis.queue import RedisQueue
from tests.faults.census import CountedAttempt, CountedCall
from tests.faults.commands import ends_generation
from tests.faults.plant import Plant, Process, planted
from tests.faults.provider import limited

pytestmark = [
    pytest.mark.timeout(180),
    # coredis leaves the buffers of its connections to the garbage collector
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
]
_FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
_NO_FAKETIME = "faketime is not installed: `apt-get install faketime`"
_NEEDED = bool(os.environ.get("FULL") or os.environ.get("CI"))
"""Where a change is let in by the tests, none of them is left out."""
_COUNT = 40 if os.environ.get("FULL") else 4


async def _wrong_by(seconds: int, start: Callable[..., Awaitable[Process]], **settings: str) -> Process:
    """A process whose clock is wrong by so much; its monotonic one goes on as it does."""
    assert _FAKETIME, _NO_FAKETIME
    faked = {"LD_PRELOAD": str(_FAKETIME), "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return await start(**faked, **settings)


async def _times(plant: Plant) -> list[list[Any]]:
    """When each event of each generation happened."""
    rows = await plant.documents["generations"].find().to_list()
    return [[event["at"] for event in row["events"]] for row in rows]


def _outcomes(some: Sequence[CountedAttempt | CountedCall]) -> tuple[str | None, ...]:
    return tuple(one.outcome for one in some)


async def _pictures(plant: Plant) -> set[str]:
    return {str(row["_id"]) async for row in plant.documents["pictures"].find()}


async def _deliver(plant: Plant, ids: Sequence[str], times: int) -> None:
    """Deliver each id so often at once: a ring for later is a delivery of its own, whatever else was rung."""
    assert plant.redis is not None
    queue = RedisQueue(plant.redis.url)
    async with queue.opened():
        rings = [queue.ring(PydanticObjectId(one), 0.001) for one in ids for _ in range(times)]
        await asyncio.gather(*rings)


@pytest.mark.long
@pytest.mark.skipif(_FAKETIME is None and not _NEEDED, reason=_NO_FAKETIME)
async def test_processes_whose_clocks_are_a_minute_apart_keep_their_leases(tmp_path: Path) -> None:
    """Calls take longer than a lease, everybody sweeps all the time, each job is delivered again and again."""
    async with planted(tmp_path, redis=True, SWEEP_EVERY_S="0.1") as plant:
        api, *_ = await asyncio.gather(
            *(_wrong_by(seconds, plant.api) for seconds in (30, -30)),
            *(_wrong_by(seconds, plant.worker, WORKER_SLOTS="2") for seconds in (30, -30)),
        )
        ada = await plant.client(api)
        image = await plant.first_image(ada)
        plant.gemini.takes_s = 3
        plant.gemini.then(limited(1))
        ids = await plant.regenerate(ada, image, _COUNT)
        await plant.gemini.until(lambda seen: seen.in_flight == 4)
        await _deliver(plant, ids, times=5)
        census = await plant.wait_until_whole(1 + _COUNT)
        assert census.statuses == {"SUCCEEDED": 1 + _COUNT}
        put_off = ("FAILED", "SUCCEEDED")
        assert Counter(_outcomes(one.attempts) for one in census.generations) == {("SUCCEEDED",): _COUNT, put_off: 1}
        assert Counter(_outcomes(one.calls) for one in census.generations) == {("SUCCEEDED",): _COUNT, put_off: 1}
        assert len(plant.gemini.calls) == 2 + _COUNT
        assert len({attempt.worker for one in census.generations for attempt in one.attempts}) == 2
        for times in await _times(plant):
            assert times == sorted(times)


@pytest.mark.long
async def test_worker_that_slept_past_its_lease_writes_nothing_when_it_wakes(tmp_path: Path) -> None:
    """It sleeps in two generations: in a call, and with its end on the way, which arrives when another has ended it."""
    async with planted(tmp_path, redis=True, PICTURE_GRACE_S="4") as plant:
        api, sleeper = await asyncio.gather(plant.api(), plant.worker(tollgate=True, patient=True))
        ada = await plant.client(api)
        image = await plant.first_image(ada)
        wanted = await _pictures(plant)
        hold = sleeper.tollgate.hold(ends_generation("SUCCEEDED"))
        (ending,) = await plant.regenerate(ada, image, 1, "ending")
        await hold.caught()
        (unwanted,) = await _pictures(plant) - wanted
        plant.gemini.hold()
        (calling,) = await plant.regenerate(ada, image, 1, "calling")
        await plant.gemini.until(lambda seen: seen.in_flight == 1)
        sleeper.pause()
        await plant.worker()
        await plant.gemini.until(lambda seen: seen.in_flight == 3)
        plant.gemini.release()
        ended = (await plant.wait_until_settled(3)).generations
        hold.release()
        sleeper.resume()
        await plant.wait_until(lambda _: sum("lease_lost" in line for line in sleeper.server.log) == 2)
        census = await plant.wait_until_whole(3)
        assert census.generations == ended
        assert census.statuses == {"SUCCEEDED": 3}
        lost = ("LEASE_LOST", "SUCCEEDED")
        assert [_outcomes(census.of(one).attempts) for one in (ending, calling)] == [lost, lost]
        assert [_outcomes(census.of(one).calls) for one in (ending, calling)] == [("SUCCEEDED", "SUCCEEDED"), lost]
        assert [call.maybe_billed for call in census.of(calling).calls] == [True, False]
        assert len(plant.gemini.calls) == 5
        kept = await _pictures(plant)
        assert (len(kept), unwanted in kept) == (4, False)
        assert await plant.documents["ornament_images"].count_documents({}) == 3
