"""Who has hundreds waiting does not stand in the way of who has one."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.e2e.client import Client
from tests.faults.plant import document_id, planted

_FULL = bool(os.environ.get("FULL"))
_MANY = 500 if _FULL else 50
_AT_ONCE, _SLOTS = 50, 2
pytestmark = [pytest.mark.alone] if _FULL else []
_MUTATION = "mutation ({}) {{ {} }}".format(
    ", ".join(f"$i{number}: RegenerateImageInput!" for number in range(_AT_ONCE)),
    " ".join(
        f"g{number}: regenerateImage(input: $i{number}) {{ generation {{ id }} errors {{ code }} }}"
        for number in range(_AT_ONCE)
    ),
)


async def _regenerate_many(client: Client, image: str, prefix: str) -> None:
    """In one request."""
    wishes = {f"i{number}": {"imageId": image, "prompt": f"{prefix} {number}"} for number in range(_AT_ONCE)}
    payloads = await client.run(_MUTATION, wishes)
    assert [payload["errors"] for payload in payloads.values()] == [[]] * _AT_ONCE


@pytest.mark.timeout(1_500 if _FULL else 180)
@pytest.mark.parametrize("redis", [False, True] if _FULL else [False])
async def test_one_of_another_user_starts_within_two_slots_time(tmp_path: Path, *, redis: bool) -> None:
    # The provider is held for as long as it takes to ask for so many, which is longer than a call may take; and no
    # lease is lost to a busy machine, whose call would be made again: that is another test's.
    limits = {"WORKER_SLOTS": str(_SLOTS), "USER_QUEUED_LIMIT": "600", "LEASE_S": "120", "PROVIDER_TIMEOUT_S": "900"}
    async with planted(tmp_path, redis=redis, **limits) as plant:
        api = await plant.api()
        if redis:
            await plant.worker()
        greedy, modest = await plant.client(api), await plant.client(api)
        image, other_image = await plant.first_image(greedy), await plant.first_image(modest, 1)
        gemini = plant.gemini
        gemini.hold()
        for number in range(_MANY // _AT_ONCE):
            await _regenerate_many(greedy, image, f"many {number},")
        await gemini.until(lambda seen: seen.in_flight == _SLOTS)
        payload = await modest.regenerate(other_image, "one")
        before = len(gemini.calls)
        gemini.release()
        await gemini.until(lambda seen: any(call.prompt.endswith(" one") for call in seen.calls[before:]), within_s=60)
        between = next(n for n, call in enumerate(gemini.calls[before:]) if call.prompt.endswith(" one"))
        assert between <= 2 * _SLOTS
        one = document_id(payload["generation"]["id"])
        census = await plant.wait_until(lambda census: census.of(one).settled)
        told = census.of(one)
        assert (told.status, len(told.attempts), len(told.calls), len(told.results)) == ("SUCCEEDED", 1, 1, 1)
        if _FULL:
            census = await plant.wait_until_whole(3 + _MANY, within_s=1_200)
            assert census.statuses == {"SUCCEEDED": 3 + _MANY}
            assert len(gemini.calls) == census.calls
            again = [one for one in census.generations if len(one.calls) > 1]  # only what was interrupted
            assert all(attempt.outcome != "SUCCEEDED" for one in again for attempt in one.attempts[:-1]), again
            assert census.calls == sum(len(one.attempts) for one in census.generations), again
            return
        await asyncio.gather(*(process.stop() for process in plant.processes))
        census = await plant.census()
        assert len(census.generations) == 3 + _MANY
        assert census.statuses.keys() == {"SUCCEEDED", "QUEUED"} | (census.statuses.keys() & {"RUNNING"})
        waiting = [one.id for one in census.generations if not one.settled]
        assert [list(some) for some in census.lanes.values() if some] == [waiting]
