"""The whole flow: gone by the use cases, compared with what was sent, waiting for nobody, and nothing left behind."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.chats.exchange import Exchange
from app.diagnostics.bench import Bench
from app.diagnostics.jobs import DiagnosticsJob
from app.diagnostics.results import Result, Run
from app.diagnostics.suites import PROBES, Names, Suite
from app.generations.model import Generation, Status
from app.pictures.model import Picture
from app.simulator.scenario import Operation, Provider, Scenario
from app.simulator.simulator import Simulator
from tests.diagnostics.conftest import Lab, MakeLab, results_of, statuses_of

_LEFT = {"generations", "pictures", "tombstones", "lanes", "turns", "users", "provider_slots"}
"""The run and the message's work with their ledgers, the pictures that the run shows, and the engine's own."""
_IN_TIME_S = 60


async def _fine(_: Bench) -> str:
    return "Fine."


def _alone(lab: Lab) -> DiagnosticsJob:
    """The process's own job, in which the tests before the whole flow do nothing."""
    before = {probe.name: _fine for probe in PROBES[Suite.FULL_FLOW] if probe.name != Names.WHOLE_FLOW}
    return replace(lab.job, tests={**lab.job.tests, **before})


def _result(run: Run) -> Result:
    return results_of(run)[Names.WHOLE_FLOW]


def _asked(simulator: Simulator) -> Counter[Operation]:
    return Counter(call.operation for call in simulator.calls)


async def _work_on_the_message() -> Generation:
    (generation,) = await Generation.find({"kind": "CHAT"}).to_list()
    return generation


async def _kept(database: AsyncDatabase[dict[str, Any]]) -> set[str]:
    """The collections with something in them."""
    return {name for name in await database.list_collection_names() if await database[name].find_one()}


async def test_message_with_a_reference_is_answered_read_back_and_deleted(
    lab: Lab, simulator: Simulator, database: AsyncDatabase[dict[str, Any]]
) -> None:
    run = await lab.run(Suite.FULL_FLOW, _alone(lab))
    whole = _result(run)
    assert (whole.status, len(whole.input_pictures), len(whole.output_pictures)) == ("PASSED", 1, 1)
    assert _asked(simulator) == {Operation.OPENAI_RESPONSE: 1, Operation.OPENAI_EDIT: 1}
    looked, drawn = simulator.calls
    assert (looked.references, drawn.references) != ((), ())
    asked, answered = whole.request, whole.response
    assert asked["message"]["references"] == asked["context"]["pictures"]
    assert set(answered["asItWasSent"].values()) == {True}
    prompt, (analysis,) = answered["message"]["prompt"], answered["message"]["analyses"]
    assert prompt == drawn.prompt
    assert prompt.startswith(asked["message"]["prompt"])
    assert analysis["text"] in prompt
    assert asked["project"]["contextText"] in prompt
    assert answered["image"]["source"] == "PROVIDER"
    assert [call["outcome"] for call in answered["generation"]["calls"]] == ["SUCCEEDED"] * 2
    assert all(call["requestId"] and call["usage"] for call in answered["generation"]["calls"])
    assert set(answered["left"].values()) == {0}
    assert await _kept(database) <= _LEFT
    shown = await Picture.by_ids([*whole.input_pictures, *whole.output_pictures])
    assert len(shown) == 2


@pytest.mark.long
async def test_each_run_asks_the_models_anew(lab: Lab, simulator: Simulator) -> None:
    for _ in range(2):
        assert _result(await lab.run(Suite.FULL_FLOW, _alone(lab))).status == "PASSED"
    assert _asked(simulator) == {Operation.OPENAI_RESPONSE: 2, Operation.OPENAI_EDIT: 2}


@pytest.mark.parametrize(("running", "slots"), [(1, 1), (4, 2)])
async def test_flow_waits_for_no_other_slot(make_lab: MakeLab, simulator: Simulator, running: int, slots: int) -> None:
    lab = await make_lab(
        simulator, user_running_limit=running, user_queued_limit=1, worker_slots=slots, openai_concurrency=1
    )
    queue = lab.parts.queue
    async with asyncio.timeout(_IN_TIME_S), queue.serve(lab.parts.runner.run, slots):
        generation = await lab.started(Suite.FULL_FLOW)
        await lab.ended(generation)
    run = Run.of(await lab.now(generation))
    assert set(statuses_of(run).values()) == {"PASSED"}
    assert (await _work_on_the_message()).status is Status.SUCCEEDED


@pytest.mark.parametrize("scenario", [Scenario.MODERATION, Scenario.UNAVAILABLE])
async def test_image_that_fails_fails_the_test_at_once_and_leaves_nothing(
    lab: Lab, simulator: Simulator, database: AsyncDatabase[dict[str, Any]], scenario: Scenario
) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, scenario)
    run = await lab.run(Suite.FULL_FLOW, _alone(lab))
    whole = _result(run)
    assert whole.message is not None
    assert (whole.status, whole.message.split(":")[0]) == ("FAILED", "Making the image")
    assert whole.response["generation"]["error"]["message"] in whole.message
    assert all(call["requestId"] for call in whole.response["generation"]["calls"])
    assert (run.status, run.failed) == (Status.SUCCEEDED, True)
    assert len((await _work_on_the_message()).attempts) == 1
    assert await _kept(database) <= _LEFT


async def test_message_that_is_refused_fails_the_test_and_leaves_nothing(
    make_lab: MakeLab, simulator: Simulator, database: AsyncDatabase[dict[str, Any]]
) -> None:
    lab = await make_lab(simulator, user_running_limit=1, user_queued_limit=1)
    await lab.started()
    await lab.started(Suite.FULL_FLOW)
    second = (await Generation.find({"recipe.parameters.suite": Suite.FULL_FLOW}).to_list())[0]
    await lab.runner(_alone(lab)).run(second.identity)
    whole = _result(Run.of(await lab.now(second)))
    assert whole.message is not None
    assert whole.message.startswith("Sending the message: You have as many generations waiting")
    assert await _kept(database) <= _LEFT


async def _called_off(lab: Lab, simulator: Simulator) -> Run:
    """A run that is cancelled while the image is being made."""
    generation = await lab.started(Suite.FULL_FLOW)
    runner = lab.runner(_alone(lab))
    simulator.hold()
    async with asyncio.timeout(_IN_TIME_S), asyncio.TaskGroup() as group:
        heeding = group.create_task(runner.heed_cancels())
        working = group.create_task(runner.run(generation.identity))
        await simulator.until(lambda seen: seen.in_flight == 1)
        await lab.parts.services.generations.cancel(lab.owner_id, generation.identity)
        await asyncio.wait([working])
        heeding.cancel()
    simulator.release()
    return Run.of(await lab.now(generation))


async def test_run_that_is_called_off_leaves_nothing(
    lab: Lab, simulator: Simulator, database: AsyncDatabase[dict[str, Any]]
) -> None:
    run = await _called_off(lab, simulator)
    assert (run.status, _result(run).status) == (Status.CANCELLED, "SKIPPED")
    assert (await _work_on_the_message()).status is Status.CANCELLED
    assert await _kept(database) <= _LEFT


async def test_worker_that_stops_in_between_leaves_what_the_next_one_deletes_and_begins_anew(
    lab: Lab, simulator: Simulator, database: AsyncDatabase[dict[str, Any]]
) -> None:
    generation = await lab.started(Suite.FULL_FLOW)
    simulator.hold()
    first = asyncio.create_task(lab.runner(_alone(lab)).run(generation.identity))
    await simulator.until(lambda seen: seen.in_flight == 1)
    first.cancel()
    await asyncio.wait([first])
    simulator.release()
    assert await Exchange.count() == 1
    await lab.runner(_alone(lab)).run(generation.identity)
    run = Run.of(await lab.now(generation))
    assert _result(run).status == "PASSED"
    assert await _kept(database) <= _LEFT


async def test_tombstones_go_too_and_the_pictures_of_the_run_stay(
    lab: Lab, database: AsyncDatabase[dict[str, Any]]
) -> None:
    run = await lab.run(Suite.FULL_FLOW, _alone(lab))
    days_ago = {"$subtract": ["$$NOW", 3 * 86_400_000]}
    for name in ("tombstones", "pictures"):
        await database[name].update_many({}, [{"$set": {"touchedAt": days_ago}}])
        await lab.chore(name)
    assert "tombstones" not in await _kept(database)
    assert set(await Picture.by_ids(_result(run).output_pictures)) == set(_result(run).output_pictures)
