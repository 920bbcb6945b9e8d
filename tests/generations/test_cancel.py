"""A cancel ends what waits at once, really stops what runs, and loses to a result that is there."""

import asyncio

import pytest
from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.generations.model import Generation, Status
from app.generations.retries import RetryPolicy
from app.generations.service import OwnerLimits
from app.generations.work import CalledModel, StepResult, Work
from tests.generations.conftest import Engine, MakeEngine, stored, until

_MODEL = CalledModel("painter", "painter-1", billable=True)


async def _nothing(_: Work) -> None:
    return


async def test_waiting_one_ends_at_once_and_the_next_takes_its_place(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing, limits=OwnerLimits(running=1, queued=9)), PydanticObjectId()
    first, second = await engine.start(owner), await engine.start(owner)
    cancelled = await engine.generations.cancel(owner, first.identity)
    assert (cancelled.status, cancelled.settled) == (Status.CANCELLED, True)
    async with engine.working():
        assert (await engine.ended(second)).status is Status.SUCCEEDED
        ended = await engine.ended(first)
    assert [event.type for event in ended.events] == ["QUEUED", "CANCELLED"]
    assert ended.attempts == []
    assert engine.job.completed == [second.result_id]


async def test_running_ones_call_is_stopped_and_noted_as_maybe_billed(make_engine: MakeEngine) -> None:
    calling, stopped = asyncio.Event(), asyncio.Event()

    async def script(work: Work) -> None:
        async with work.call(_MODEL):
            await work.stage("asking", 10)
            calling.set()
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()

    engine, owner = make_engine(script), PydanticObjectId()
    async with engine.working():
        generation = await engine.start(owner)
        await calling.wait()
        asked = await engine.generations.cancel(owner, generation.identity)
        assert asked.cancel_requested_at is not None
        async with asyncio.timeout(5):
            ended = await engine.ended(generation)
    assert stopped.is_set()
    assert ended.status is Status.CANCELLED
    assert [event.type for event in ended.events][-2:] == ["CANCEL_REQUESTED", "CANCELLED"]
    assert [(call.outcome, call.maybe_billed) for call in ended.calls] == [("CANCELLED", True)]
    assert [attempt.outcome for attempt in ended.attempts] == ["CANCELLED"]
    assert engine.job.completed == []


async def test_cancel_whose_message_is_lost_is_seen_with_the_next_write(make_engine: MakeEngine) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def script(work: Work) -> None:
        inside.set()
        await go_on.wait()
        await work.stage("seeing", 50)
        await asyncio.Event().wait()

    engine, owner = make_engine(script), PydanticObjectId()
    elsewhere = make_engine(_nothing)  # another process, whose hub nobody hears
    async with engine.working():
        generation = await engine.start(owner)
        await inside.wait()
        await elsewhere.generations.cancel(owner, generation.identity)
        go_on.set()
        ended = await engine.ended(generation)
    assert ended.status is Status.CANCELLED
    assert [event.sequence for event in ended.events] == list(range(1, len(ended.events) + 1))


async def test_cancel_whose_message_is_lost_is_seen_when_the_lease_is_renewed(make_engine: MakeEngine) -> None:
    inside = asyncio.Event()

    async def script(_: Work) -> None:
        inside.set()
        await asyncio.Event().wait()

    engine, owner = make_engine(script, lease_s=0.6), PydanticObjectId()
    async with engine.working():
        generation = await engine.start(owner)
        await inside.wait()
        await make_engine(_nothing).generations.cancel(owner, generation.identity)
        assert (await engine.ended(generation)).status is Status.CANCELLED


async def test_too_late_cancel_loses_to_the_result_and_says_so(make_engine: MakeEngine) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def result() -> StepResult:
        return StepResult({"made": "it"})

    async def script(work: Work) -> None:
        await work.step("picture", result, is_last=True)
        inside.set()
        await go_on.wait()

    engine, owner = make_engine(script), PydanticObjectId()
    generation = await engine.start(owner)
    run = asyncio.create_task(engine.runner.run(generation.identity))  # nobody heeds cancels here
    await inside.wait()
    await engine.generations.cancel(owner, generation.identity)
    go_on.set()
    await run
    ended = await stored(generation)
    assert ended.status is Status.SUCCEEDED
    assert ended.events[-1].message == "The cancel came too late: the result was there already."
    with pytest.raises(AppError, match="too late") as late:
        await engine.generations.cancel(owner, generation.identity)
    assert late.value.code is ErrorCode.CONFLICT


async def test_one_that_waits_for_its_next_attempt_ends_at_once(make_engine: MakeEngine) -> None:
    async def script(_: Work) -> None:
        raise AppError(ErrorCode.RATE_LIMITED, "In a minute.", retryable=True, retry_after_s=60)

    engine, owner = make_engine(script, retries=RetryPolicy()), PydanticObjectId()
    async with engine.working():
        generation = await engine.start(owner)
        await until(lambda: _has(generation, "RETRYING"))
        assert (await engine.generations.cancel(owner, generation.identity)).status is Status.CANCELLED
        ended = await engine.ended(generation)
    assert [attempt.outcome for attempt in ended.attempts] == ["FAILED"]


async def test_cancelled_while_it_fails_is_not_tried_again(make_engine: MakeEngine) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def script(_: Work) -> None:
        inside.set()
        await go_on.wait()
        raise AppError(ErrorCode.TIMEOUT, "Too slow.", retryable=True)

    engine, owner = make_engine(script, retries=RetryPolicy()), PydanticObjectId()
    generation = await engine.start(owner)
    run = asyncio.create_task(engine.runner.run(generation.identity))
    await inside.wait()
    await engine.generations.cancel(owner, generation.identity)
    go_on.set()
    await run
    ended = await stored(generation)
    assert (ended.status, len(ended.attempts)) == (Status.CANCELLED, 1)


async def test_dead_workers_generation_is_cancelled_by_whoever_asks(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing), PydanticObjectId()
    generation = await engine.start(owner)
    call = {"number": 1, "attempt": 1, "provider": "p", "model": "m", "billable": True, "outcome": None}
    await Generation.rows().update_one(
        {"_id": generation.identity},
        [
            {
                "$set": {
                    "status": "RUNNING",
                    "attempt": 1,
                    "attempts": [{"number": 1, "worker": "dead", "startedAt": "$$NOW", "outcome": None}],
                    "calls": [{**call, "startedAt": "$$NOW"}],
                    "lease": {"worker": "dead", "until": {"$subtract": ["$$NOW", 1]}},
                }
            }
        ],
    )
    ended = await engine.generations.cancel(owner, generation.identity)
    assert ended.status is Status.CANCELLED
    assert [(one.outcome, one.maybe_billed) for one in ended.calls] == [("LEASE_LOST", True)]
    assert [one.outcome for one in ended.attempts] == ["LEASE_LOST"]


async def test_cancelling_twice_is_once(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing), PydanticObjectId()
    generation = await engine.start(owner)
    results = await asyncio.gather(*(_cancel(engine, owner, generation) for _ in range(5)))
    assert {one.status for one in results} == {Status.CANCELLED}
    assert [event.type for event in (await stored(generation)).events] == ["QUEUED", "CANCELLED"]


async def _cancel(engine: Engine, owner: PydanticObjectId, generation: Generation) -> Generation:
    return await engine.generations.cancel(owner, generation.identity)


async def _has(generation: Generation, type: str) -> bool:
    return type in [event.type for event in (await stored(generation)).events]


async def test_anothers_is_not_cancelled(make_engine: MakeEngine) -> None:
    engine = make_engine(_nothing)
    generation = await engine.start()
    with pytest.raises(AppError) as foreign:
        await engine.generations.cancel(PydanticObjectId(), generation.identity)
    with pytest.raises(AppError) as missing:
        await engine.generations.cancel(PydanticObjectId(), PydanticObjectId())
    assert [foreign.value.code, missing.value.code] == [ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND]
    assert (await stored(generation)).status is Status.QUEUED
