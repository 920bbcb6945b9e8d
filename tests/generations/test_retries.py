"""Retries are the engine's alone: what is tried again, when, how often, and what is kept of it."""

import asyncio
from datetime import timedelta

import pytest
from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode, FailedCall
from app.generations.attempts import Failure
from app.generations.claims import claim
from app.generations.model import Generation, Status
from app.generations.retries import RetryPolicy
from app.generations.service import OwnerLimits
from app.generations.slots import ProviderSlots
from app.generations.work import CalledModel, StepResult, Work
from tests.generations.conftest import MakeEngine, stored, until

_QUICK = RetryPolicy(attempts=3, first_s=0.05)
_BUSY = AppError(ErrorCode.PROVIDER_UNAVAILABLE, "Come back later.", retryable=True)


async def _nothing(_: Work) -> None:
    return


async def test_what_failed_for_the_moment_is_tried_again_and_its_steps_are_kept(make_engine: MakeEngine) -> None:
    tries = 0

    async def text() -> StepResult:
        nonlocal tries
        tries += 1
        return StepResult({"text": "once"})

    async def script(work: Work) -> None:
        await work.step("text", text)
        if work.generation.attempt < 3:
            raise _BUSY

    engine = make_engine(script, retries=_QUICK)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert tries == 1
    assert ended.status is Status.SUCCEEDED
    assert [(one.outcome, one.code, one.message) for one in ended.attempts] == [
        ("FAILED", "PROVIDER_UNAVAILABLE", "Come back later."),
        ("FAILED", "PROVIDER_UNAVAILABLE", "Come back later."),
        ("SUCCEEDED", None, None),
    ]
    told = ["QUEUED", "STARTED", "RETRYING", "STARTED", "RETRYING", "STARTED", "SUCCEEDED"]
    assert [event.type for event in ended.events] == told
    assert [event.attempt for event in ended.events] == [0, 1, 1, 2, 2, 3, 3]
    retrying = ended.events[2]
    assert retrying.message == "Come back later."
    assert retrying.retry_at is not None
    assert ended.events[3].at >= retrying.retry_at


async def test_out_of_attempts_it_fails_with_its_code(make_engine: MakeEngine) -> None:
    async def script(_: Work) -> None:
        raise _BUSY

    engine = make_engine(script, retries=_QUICK)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert ended.failure is not None
    assert (ended.status, ended.failure.code, len(ended.attempts)) == (
        Status.FAILED,
        ErrorCode.PROVIDER_UNAVAILABLE,
        3,
    )


async def test_what_will_never_succeed_is_not_tried_again(make_engine: MakeEngine) -> None:
    async def script(_: Work) -> None:
        raise AppError(ErrorCode.CONTENT_BLOCKED, "Not this.")

    engine = make_engine(script, retries=_QUICK)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert (ended.status, len(ended.attempts)) == (Status.FAILED, 1)


async def test_no_worker_claims_before_the_wait_that_the_provider_asked_for(make_engine: MakeEngine) -> None:
    async def script(_: Work) -> None:
        raise AppError(ErrorCode.RATE_LIMITED, "In a minute.", retryable=True, retry_after_s=60)

    engine = make_engine(script, retries=_QUICK)
    generation = await engine.start()
    async with engine.working():
        await until(lambda: _waits(generation))
    assert await claim(generation.identity, "impatient", 30) is None
    await engine.sweeper.sweep()
    waiting = await Generation.get(generation.identity)
    assert waiting is not None
    assert (waiting.status, waiting.lease, len(waiting.attempts)) == (Status.RUNNING, None, 1)
    assert waiting.not_before is not None
    assert waiting.not_before - waiting.attempts[0].started_at >= timedelta(seconds=60)


async def _waits(generation: Generation) -> bool:
    found = await Generation.without_events([generation.identity])
    return found[generation.identity].not_before is not None


def _attempted(generation: Generation, failed: int) -> Generation:
    attempt = {"worker": "w", "startedAt": generation.created_at}
    before = [{**attempt, "number": number, "outcome": "FAILED"} for number in range(1, failed + 1)]
    attempted: Generation = Generation.model_validate(
        {**generation.model_dump(by_alias=True), "attempts": [*before, {**attempt, "number": failed + 1}]}
    )
    return attempted


async def test_waits_grow_are_bounded_and_never_shorter_than_asked_for(make_engine: MakeEngine) -> None:
    engine = make_engine(_nothing)
    generation = await engine.start()
    policy = RetryPolicy(attempts=20, within_s=1000, first_s=1, longest_s=8)
    failure = Failure(code=ErrorCode.TIMEOUT, message="", retryable=True)
    for failed, longest in enumerate([1, 2, 4, 8, 8, 8]):
        wait = policy.delay_s(_attempted(generation, failed), failure, generation.created_at)
        assert wait is not None
        assert longest / 2 <= wait <= longest
    asked = failure.model_copy(update={"retry_after_s": 30.0})
    assert policy.delay_s(_attempted(generation, 0), asked, generation.created_at) == 30
    late = generation.created_at + timedelta(seconds=990)
    assert policy.delay_s(_attempted(generation, 0), asked, late) is None


async def test_failed_one_is_started_again_as_a_new_one(make_engine: MakeEngine) -> None:
    fail = True

    async def script(_: Work) -> None:
        if fail:
            raise AppError(ErrorCode.CONTENT_BLOCKED, "Not this.")

    engine, owner = make_engine(script), PydanticObjectId()
    async with engine.working():
        failed = await engine.ended(await engine.start(owner))
        fail = False
        again = await engine.generations.retry(owner, failed.identity, "again")
        same = await engine.generations.retry(owner, failed.identity, "again")
        ended = await engine.ended(again)
    assert again.identity == same.identity != failed.identity
    assert (ended.status, ended.retry_of, ended.recipe) == (Status.SUCCEEDED, failed.identity, failed.recipe)


async def test_what_runs_or_has_succeeded_or_is_anothers_is_not_retried(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing, limits=OwnerLimits(1, 9)), PydanticObjectId()
    waiting = await engine.start(owner)
    with pytest.raises(AppError, match="not ended") as early:
        await engine.generations.retry(owner, waiting.identity, None)
    async with engine.working():
        await engine.ended(waiting)
    with pytest.raises(AppError, match="succeeded") as done:
        await engine.generations.retry(owner, waiting.identity, None)
    with pytest.raises(AppError) as foreign:
        await engine.generations.retry(PydanticObjectId(), waiting.identity, None)
    assert [one.value.code for one in (early, done, foreign)] == ["CONFLICT", "CONFLICT", "FORBIDDEN"]


async def test_attempts_that_could_send_nothing_are_not_used_up(make_engine: MakeEngine) -> None:
    not_sent = AppError(
        ErrorCode.PROVIDER_UNAVAILABLE, "It is left alone.", retryable=True, call=FailedCall(sent=False)
    )

    async def script(work: Work) -> None:
        if work.generation.attempt <= 2 * _QUICK.attempts:
            raise not_sent

    engine = make_engine(script, retries=RetryPolicy(attempts=_QUICK.attempts, first_s=0.01, longest_s=0.05))
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert ended.status is Status.SUCCEEDED
    assert len(ended.attempts) == 2 * _QUICK.attempts + 1


async def test_provider_that_stays_away_is_given_up_when_the_time_is_over(make_engine: MakeEngine) -> None:
    not_sent = AppError(
        ErrorCode.PROVIDER_UNAVAILABLE, "It is left alone.", retryable=True, call=FailedCall(sent=False)
    )

    async def script(_: Work) -> None:
        raise not_sent

    engine = make_engine(script, retries=RetryPolicy(attempts=1, within_s=0.5, first_s=0.01, longest_s=0.1))
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert ended.failure is not None
    assert ended.failure.code is ErrorCode.PROVIDER_UNAVAILABLE
    assert len(ended.attempts) > 1


async def _begun_an_hour_ago(generation: Generation) -> None:
    """As it is when nobody has heard its ring for an hour."""
    change = {"attempts.0.startedAt": generation.created_at - timedelta(hours=1), "notBefore": None}
    await Generation.rows().update_one({"_id": generation.identity}, {"$set": change})


async def test_attempt_that_is_heard_late_does_not_begin_and_fails_with_the_last_ones_code(
    make_engine: MakeEngine,
) -> None:
    begun = 0

    async def script(_: Work) -> None:
        nonlocal begun
        begun += 1
        raise _BUSY

    engine = make_engine(script, retries=RetryPolicy(attempts=9, within_s=60))
    generation = await engine.start()
    await engine.runner.run(generation.identity)
    await _begun_an_hour_ago(generation)
    await engine.runner.run(generation.identity)
    ended = await stored(generation)
    assert (begun, ended.status) == (1, Status.FAILED)
    assert ended.failure == Failure(code=_BUSY.code, message=_BUSY.message, retryable=True)
    assert [event.type for event in ended.events][-1] == "FAILED"


@pytest.mark.parametrize("outcome", ["GIVEN_BACK", "LEASE_LOST"])
async def test_time_begins_anew_after_an_interruption_that_was_ours(make_engine: MakeEngine, outcome: str) -> None:
    async def script(work: Work) -> None:
        if work.generation.attempt < 3:
            raise _BUSY

    engine = make_engine(script, retries=RetryPolicy(attempts=9, within_s=60, first_s=0.01))
    generation = await engine.start()
    await engine.runner.run(generation.identity)
    await _begun_an_hour_ago(generation)
    await Generation.rows().update_one({"_id": generation.identity}, {"$set": {"attempts.0.outcome": outcome}})
    async with engine.working():
        await engine.queue.ring(generation.identity)
        ended = await engine.ended(generation)
    assert (ended.status, [one.outcome for one in ended.attempts][1:]) == (Status.SUCCEEDED, ["FAILED", "SUCCEEDED"])


async def test_wait_for_a_providers_slot_ends_with_the_time_and_frees_the_worker(make_engine: MakeEngine) -> None:
    model, leave = CalledModel("painter", "painter-1", billable=True), asyncio.Event()
    first, *others = [PydanticObjectId() for _ in range(3)]

    async def script(work: Work) -> None:
        if work.generation.owner_id == others[1]:
            return
        async with work.call(model):
            assert work.generation.owner_id == first
            await leave.wait()

    engine = make_engine(script, calls_at_once={"painter": 1}, retries=RetryPolicy(attempts=9, within_s=0.5))
    async with engine.working(slots=2):
        holding = await engine.start(first)
        await until(ProviderSlots.all_taken)
        waiting, behind = [await engine.start(owner_id) for owner_id in others]
        failed, freed = [await engine.ended(one) for one in (waiting, behind)]
        leave.set()
        assert (await engine.ended(holding)).status is Status.SUCCEEDED
    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.retryable, failed.failure.sent) == ("RATE_LIMITED", True, False)
    assert (failed.calls, freed.status) == ([], Status.SUCCEEDED)
