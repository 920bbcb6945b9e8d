"""How a run goes: what fails stops nothing, what is there is kept at once, who follows it sees it come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from app.accounts.model import User
from app.diagnostics.bench import Bench
from app.diagnostics.following import updates
from app.diagnostics.jobs import DiagnosticsJob
from app.diagnostics.ports import Test
from app.diagnostics.results import Run
from app.diagnostics.suites import Names, Suite
from app.errors import AppError, ErrorCode
from app.generations.events import EventType
from app.generations.following import progress
from app.generations.model import Generation, Status
from app.simulator.simulator import Simulator
from tests.diagnostics.conftest import Lab, MakeLab, person, results_of, statuses_of


def _with(lab: Lab, **tests: Test) -> DiagnosticsJob:
    """The process's own job, with some of its tests made otherwise; by the names in `Names`."""
    changed = {getattr(Names, name): test for name, test in tests.items()}
    return replace(lab.job, tests={**lab.job.tests, **changed})


@pytest.mark.parametrize("key", ["sim-rejected-key", "sim-rate-limited", "sim-failing"])
async def test_test_that_fails_stops_no_other_and_is_not_tried_again(
    make_lab: MakeLab, simulator: Simulator, key: str
) -> None:
    lab = await make_lab(simulator, openai_api_key=key)
    run = await lab.run(Suite.PROVIDERS)
    assert set(statuses_of(run).values()) == {"FAILED"}
    assert (run.status, run.failed) == (Status.SUCCEEDED, True)
    text, *_ = results_of(run).values()
    assert text.request["text"]["model"]
    error = text.response["text"]["error"]
    assert error["message"] == text.message
    assert text.response["text"]["requestId"].startswith("req_")
    assert error["code"] in {"PROVIDER_REJECTED_KEY", "RATE_LIMITED", "PROVIDER_UNAVAILABLE"}
    generation = (await Generation.without_events([run.generation_id]))[run.generation_id]
    assert [attempt.outcome for attempt in generation.attempts] == ["SUCCEEDED"]
    assert len(generation.calls) <= len(run.tests)


async def test_test_with_a_bug_fails_and_the_others_go_on(bare_lab: Lab) -> None:
    async def crashes(_: Bench) -> str:
        raise KeyError("the password is hunter2hunter2")

    run = await bare_lab.run(Suite.PROVIDERS, _with(bare_lab, IMAGE=crashes))
    assert statuses_of(run) == {
        "text-completion": "PASSED",
        "image-generation": "FAILED",
        "vision": "PASSED",
        "image-modification": "PASSED",
    }
    message = results_of(run)["image-generation"].message
    assert message is not None
    assert message.startswith("Something went wrong on our side")


async def _told(lab: Lab, generation: Generation) -> AsyncIterator[Run]:
    async with aclosing(updates(lab.parts.hub, lab.owner_id, generation.identity)) as told:
        async for run in told:
            yield run


async def test_follower_sees_each_test_begin_and_end(bare_lab: Lab) -> None:
    generation, follows = await bare_lab.started(), asyncio.Event()
    followed = asyncio.create_task(_all_of(bare_lab, generation, follows))
    await follows.wait()
    async with bare_lab.parts.queue.serve(bare_lab.parts.runner.run, 1):
        await bare_lab.parts.queue.ring(generation.identity)
        runs = await asyncio.wait_for(followed, 60)
    seen = [tuple(str(one.result.status) for one in run.tests) for run in runs]
    assert seen[0] == ("WAITING",) * 4
    for number in range(4):
        before, after = ("PASSED",) * number, ("WAITING",) * (3 - number)
        assert (*before, "RUNNING", *after) in seen
    assert seen[-1] == ("PASSED",) * 4
    assert runs[-1].status is Status.SUCCEEDED
    assert [run.tests for run in await _all_of(bare_lab, generation)] == [runs[-1].tests]


async def _all_of(lab: Lab, generation: Generation, follows: asyncio.Event | None = None) -> list[Run]:
    runs = list[Run]()
    async for run in _told(lab, generation):
        runs.append(run)
        if follows is not None:
            follows.set()
    return runs


async def test_stages_name_the_tests(lab: Lab) -> None:
    generation = await lab.started()
    await lab.parts.runner.run(generation.identity)
    async with aclosing(progress(lab.parts.hub, lab.owner_id, generation.identity, 0)) as events:
        stages = [event.stage async for event in events if event.type is EventType.STAGE]
    named = list(dict.fromkeys(stages))
    assert named == ["Text completion", "Image generation", "Vision", "Image modification"]


async def test_run_that_is_called_off_keeps_what_was_made_and_skips_the_rest(bare_lab: Lab) -> None:
    begun = asyncio.Event()

    async def hangs(_: Bench) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    generation = await bare_lab.started()
    runner = bare_lab.runner(_with(bare_lab, VISION=hangs))
    heeding = asyncio.create_task(runner.heed_cancels())
    working = asyncio.create_task(runner.run(generation.identity))
    await asyncio.wait_for(begun.wait(), 60)
    during = Run.of(await bare_lab.now(generation))
    assert list(statuses_of(during).values()) == ["PASSED", "PASSED", "RUNNING", "WAITING"]
    assert results_of(during)["image-generation"].output_pictures
    await bare_lab.parts.services.generations.cancel(bare_lab.owner_id, generation.identity)
    await asyncio.wait_for(working, 60)
    heeding.cancel()
    run = Run.of(await bare_lab.now(generation))
    assert (run.status, run.failed) == (Status.CANCELLED, True)
    assert list(statuses_of(run).values()) == ["PASSED", "PASSED", "SKIPPED", "SKIPPED"]
    assert results_of(run)["vision"].message == "The run was called off before."


async def test_run_whose_worker_stops_goes_on_where_it_was(bare_lab: Lab) -> None:
    made: list[str] = []
    begun = asyncio.Event()

    async def counted(_: Bench) -> str:
        made.append("text")
        return "Fine."

    async def hangs(_: Bench) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    generation = await bare_lab.started()
    first = asyncio.create_task(bare_lab.runner(_with(bare_lab, TEXT=counted, IMAGE=hangs)).run(generation.identity))
    await asyncio.wait_for(begun.wait(), 60)
    first.cancel()
    await asyncio.wait([first])
    await bare_lab.runner(_with(bare_lab, TEXT=counted)).run(generation.identity)
    run = Run.of(await bare_lab.now(generation))
    assert set(statuses_of(run).values()) == {"PASSED"}
    assert made == ["text"]


async def test_only_administrators_start_and_see_runs_also_after_they_were_revoked(bare_lab: Lab) -> None:
    nobody = await person(is_admin=False)
    with pytest.raises(AppError, match="regen admin grant") as refused:
        await bare_lab.diagnostics.start(nobody, Suite.PROVIDERS, None)
    assert refused.value.code is ErrorCode.FORBIDDEN
    generation = await bare_lab.started()
    assert await bare_lab.diagnostics.find(bare_lab.owner_id, generation.identity) is not None
    assert await bare_lab.diagnostics.find(await person(is_admin=True), generation.identity) is None
    generations = bare_lab.parts.services.generations
    await generations.cancel(bare_lab.owner_id, generation.identity)
    again = await generations.retry(bare_lab.owner_id, generation.identity, "again")
    assert (again.retry_of, again.recipe.asked()) == (generation.identity, generation.recipe.asked())
    await generations.cancel(bare_lab.owner_id, again.identity)
    await _revoke(bare_lab)
    attempts: list[Any] = [
        bare_lab.started(),
        bare_lab.diagnostics.find(bare_lab.owner_id, generation.identity),
        generations.retry(bare_lab.owner_id, again.identity, None),
    ]
    for attempt in attempts:
        with pytest.raises(AppError, match="for administrators"):
            await attempt


async def test_follower_whose_right_is_revoked_sees_no_further_test(bare_lab: Lab) -> None:
    async def revokes(_: Bench) -> str:
        await _revoke(bare_lab)
        return "Fine."

    generation, follows = await bare_lab.started(), asyncio.Event()
    followed = asyncio.create_task(_all_of(bare_lab, generation, follows))
    await follows.wait()
    await bare_lab.runner(_with(bare_lab, IMAGE=revokes)).run(generation.identity)
    with pytest.raises(AppError, match="for administrators"):
        await asyncio.wait_for(followed, 60)


async def _revoke(lab: Lab) -> None:
    user = await User.get(lab.owner_id)
    assert user is not None
    assert await User.set_administrator(user.email_key, is_admin=False)


async def test_account_that_is_erased_leaves_no_run_and_no_picture(lab: Lab) -> None:
    run = await lab.run(Suite.PROVIDERS)
    kept = [one for result in results_of(run).values() for one in (*result.input_pictures, *result.output_pictures)]
    media = lab.parts.settings.data_dir / "media"
    assert len([one for one in media.rglob("*") if one.is_file()]) >= len(set(kept))
    erasures = lab.parts.services.accounts.erasures
    await erasures.begin(lab.owner_id)
    await erasures.go_on()
    assert await Generation.get(run.generation_id) is None
    assert [one for one in media.rglob("*") if one.is_file()] == []
