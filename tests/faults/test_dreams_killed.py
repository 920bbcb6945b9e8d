"""A worker is killed between a dream's interpretation and its picture, at every write of the way."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from app.simulator.scenario import Operation, Provider, Scenario
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.e2e.client import Client
from tests.faults.commands import Predicate, Update, changes, ends_generation, sets
from tests.faults.plant import Plant, document_id, planted
from tests.faults.tollgate import Hold

_RECORD = """mutation ($input: RecordDreamInput!) { recordDream(input: $input) {
  dream { id generation { id } } errors { code } } }"""
_SETTINGS = {"USER_RUNNING_LIMIT": "60", "WORKER_SLOTS": "60", "OPENAI_CONCURRENCY": "60", "LEASE_S": "4"}


def _keeps_step(update: Update) -> bool:
    return isinstance(update, dict) and "steps.interpretation" in update.get("$set", {})


def _shows(update: Update) -> bool:
    return isinstance(update, dict) and set(update.get("$set", {})) == {"interpretation"}


class Stop(NamedTuple):
    """The command at which the worker dies, and how often the picture is asked for; `arrives`: after the death."""

    at: Predicate
    pictures: int
    arrives: bool = False


_STOPS = (
    Stop(changes("generations", _keeps_step), 1, arrives=True),
    Stop(changes("dreams", _shows), 1),
    Stop(changes("generations", sets("stage", "preparing the picture")), 1),
    Stop(changes("generations", sets("stage", "storing")), 2),
    Stop(ends_generation("SUCCEEDED"), 2),
    Stop(changes("dreams", sets("status", "READY")), 1),
)


async def _recorded(client: Client, number: int) -> str:
    told = {"text": f"I dreamed of {number} whales.", "idempotencyKey": f"dream-{number}"}
    payload = (await client.run(_RECORD, {"input": told}))["recordDream"]
    assert payload["errors"] == []
    return document_id(payload["dream"]["id"])


def _asked(simulator: Simulator) -> Counter[str]:
    """How often each dream was interpreted."""
    texts = [call.prompt for call in simulator.calls if call.operation is Operation.OPENAI_RESPONSE]
    return Counter(json.loads(text)["dream"] for text in texts)


async def _settled(plant: Plant, count: int) -> None:
    """Return when all generations are done with, and the dreams say so."""
    await plant.wait_until(lambda census: len(census.generations) == count and census.at_rest)
    rows = [row async for row in plant.documents["dreams"].find({})]
    assert [(row["status"], row["making"], row["aside"]) for row in rows] == [("READY", None, None)] * count
    assert await plant.documents["dream_versions"].count_documents({}) == 0


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_interpretation_is_asked_for_once_wherever_the_worker_dies_after_it(tmp_path: Path) -> None:
    with simulated_providers() as simulator:
        async with planted(tmp_path, redis=True, **simulator.settings, **_SETTINGS) as plant:
            api, doomed = await asyncio.gather(plant.api(), plant.worker(tollgate=True, patient=True))
            ada = await plant.client(api)
            holds = list[Hold]()
            for number, stop in enumerate(_STOPS):
                hold = doomed.tollgate.hold(stop.at)
                await _recorded(ada, number)
                await hold.caught()
                holds.append(hold)
            simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.SLOW)  # and one while its picture is drawn
            came = simulator.came
            await _recorded(ada, len(_STOPS))
            await simulator.until(lambda seen: seen.came == came + 2)
            await doomed.kill()
            for stop, hold in zip(_STOPS, holds, strict=True):
                hold.release() if stop.arrives else hold.drop()
            await plant.worker()
            count = len(_STOPS) + 1
            await _settled(plant, count)
        assert _asked(simulator) == {f"I dreamed of {number} whales.": 1 for number in range(count)}
        pictures = sum(call.operation is Operation.OPENAI_GENERATE for call in simulator.calls)
        assert pictures == sum(stop.pictures for stop in _STOPS) + 2


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_api_killed_between_the_dream_and_its_generation_loses_neither(tmp_path: Path) -> None:
    with simulated_providers() as simulator:
        async with planted(tmp_path, redis=True, **simulator.settings, **_SETTINGS) as plant:
            doomed, worker = await asyncio.gather(plant.api(tollgate=True), plant.worker())
            ada = await plant.client(doomed)
            hold = doomed.tollgate.hold(changes("lanes"))
            asking = asyncio.create_task(ada.post(_RECORD, {"input": {"text": "I dreamed.", "idempotencyKey": "k"}}))
            await hold.caught()
            assert await plant.documents["generations"].count_documents({}) == 0
            await doomed.kill()
            hold.drop()
            await asyncio.gather(asking, return_exceptions=True)
            await plant.documents["dreams"].update_many({}, [{"$set": {"due": {"$subtract": ["$$NOW", 1]}}}])
            assert worker.alive
            await plant.wait_until(lambda census: len(census.generations) == 1)
            await _settled(plant, 1)
        assert _asked(simulator) == {"I dreamed.": 1}
