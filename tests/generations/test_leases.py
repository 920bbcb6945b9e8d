import asyncio

import pytest
from beanie import PydanticObjectId  # noqa: TC002 - the fixtures' types are read at run time
from pymongo.errors import AutoReconnect

from app.generations.claims import claim
from app.generations.journal import Journal
from app.generations.model import Generation, Status
from app.generations.work import StepResult, Work
from tests.generations.conftest import MakeEngine, until


async def _nothing(_: Work) -> None:
    return


async def test_only_one_of_many_workers_claims(make_engine: MakeEngine) -> None:
    engine = make_engine(_nothing)
    generation = await engine.start()
    claims = await asyncio.gather(*(claim(generation.identity, f"w{n}", 30) for n in range(8)))
    assert len([won for won in claims if won]) == 1


async def test_same_ring_twice_runs_once(make_engine: MakeEngine) -> None:
    runs: list[PydanticObjectId] = []

    async def script(work: Work) -> None:
        runs.append(work.generation.identity)

    engine = make_engine(script)
    generation = await engine.start()
    for _ in range(5):
        await engine.queue.ring(generation.identity)
    async with engine.working(slots=4):
        await engine.ended(generation)
        await engine.queue.ring(generation.identity)
        await engine.ended(await engine.start())
    assert runs.count(generation.identity) == 1


async def test_dead_workers_lease_is_taken_over_and_its_writes_are_refused(make_engine: MakeEngine) -> None:
    stuck, go_on = asyncio.Event(), asyncio.Event()

    async def hang(work: Work) -> None:
        await work.step("first", _result)
        stuck.set()
        await go_on.wait()
        await work.stage("too late", 99)

    slow = make_engine(hang, worker="slow")
    generation = await slow.start()
    asleep = asyncio.create_task(slow.runner.run(generation.identity))
    await stuck.wait()
    await _lease_is_dead(generation)

    async def check(work: Work) -> None:
        assert await work.step("first", _never) == {"made": "once"}

    quick = make_engine(check, worker="quick")
    await quick.runner.run(generation.identity)
    go_on.set()
    await asleep
    ended = await Generation.get(generation.identity)
    assert ended is not None
    assert ended.status is Status.SUCCEEDED
    assert [attempt.worker for attempt in ended.attempts] == ["slow", "quick"]
    assert "too late" not in [event.stage for event in ended.events]
    assert slow.job.completed == []


async def _lease_is_dead(generation: Generation) -> None:
    """Take the lease away, as the passing of time does."""
    past = {"$set": {"lease.until": {"$subtract": ["$$NOW", 1000]}}}
    await Generation.rows().update_one({"_id": generation.identity}, [past])


async def _result() -> StepResult:
    return StepResult({"made": "once"})


async def _never() -> StepResult:
    message = "a finished step ran again"
    raise AssertionError(message)


async def test_lease_is_renewed_while_the_work_runs(make_engine: MakeEngine) -> None:
    renewed = asyncio.Event()

    async def script(work: Work) -> None:
        first = await _lease_end(work.generation)
        await until(lambda: _lease_differs(work.generation, first))
        renewed.set()

    engine = make_engine(script, lease_s=0.6)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert renewed.is_set()
    assert len(ended.attempts) == 1


async def _lease_differs(generation: Generation, end: object) -> bool:
    return await _lease_end(generation) != end


async def _lease_end(generation: Generation) -> object:
    row = await Generation.rows().find_one({"_id": generation.identity})
    assert row is not None
    return row["lease"]["until"]


async def test_stopping_worker_gives_back_and_the_steps_are_kept(make_engine: MakeEngine) -> None:
    inside = asyncio.Event()

    async def hang(work: Work) -> None:
        await work.step("first", _result)
        inside.set()
        await asyncio.Event().wait()

    engine = make_engine(hang)
    generation = await engine.start()
    async with engine.working():
        await inside.wait()
    given_back = await Generation.get(generation.identity)
    assert given_back is not None
    assert (given_back.status, given_back.lease) == (Status.RUNNING, None)
    assert given_back.attempts[0].outcome == "GIVEN_BACK"

    async def check(work: Work) -> None:
        await work.step("first", _never)

    again = make_engine(check, worker="w2")
    await again.runner.run(generation.identity)
    ended = await Generation.get(generation.identity)
    assert ended is not None
    assert ended.status is Status.SUCCEEDED
    assert [event.sequence for event in ended.events] == list(range(1, len(ended.events) + 1))


async def test_sweep_rings_for_what_a_lost_process_left(make_engine: MakeEngine) -> None:
    lost = await make_engine(_nothing).start()
    engine = make_engine(_nothing, worker="w2")
    async with engine.working():
        sweep = asyncio.create_task(engine.sweeper.run())
        ended = await engine.ended(lost)
        sweep.cancel()
    assert ended.status is Status.SUCCEEDED


async def test_result_that_a_crash_left_unwritten_is_written(make_engine: MakeEngine) -> None:
    engine = make_engine(_nothing)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    await Generation.rows().update_one({"_id": ended.identity}, {"$set": {"settled": False}})
    engine.job.completed.clear()
    await engine.runner.run(ended.identity)
    found = await Generation.get(ended.identity)
    assert found is not None
    assert found.settled
    assert engine.job.completed == [ended.result_id]


async def test_lost_database_is_no_failure_of_the_work(make_engine: MakeEngine) -> None:
    async def lose(_: Work) -> None:
        message = "connection refused"
        raise AutoReconnect(message)

    engine = make_engine(lose)
    generation = await engine.start()
    await engine.runner.run(generation.identity)
    found = await Generation.get(generation.identity)
    assert found is not None
    assert (found.status, found.failure) == (Status.RUNNING, None)
    await _lease_is_dead(generation)
    await make_engine(_nothing, worker="w2").runner.run(generation.identity)
    ended = await Generation.get(generation.identity)
    assert ended is not None
    assert ended.status is Status.SUCCEEDED
    assert [attempt.outcome for attempt in ended.attempts] == ["LEASE_LOST", "SUCCEEDED"]


async def test_work_that_kills_every_worker_is_given_up(make_engine: MakeEngine) -> None:
    engine = make_engine(_nothing)
    generation = await engine.start()
    for _ in range(5):
        assert await claim(generation.identity, "doomed", 30) is not None
        await _lease_is_dead(generation)
    await engine.runner.run(generation.identity)
    ended = await Generation.get(generation.identity)
    assert ended is not None
    assert ended.failure is not None
    assert (ended.status, ended.failure.retryable) == (Status.FAILED, False)
    assert engine.job.completed == []
    assert [attempt.outcome for attempt in ended.attempts[:5]] == ["LEASE_LOST"] * 5


async def test_shutdown_ends_while_the_database_is_away(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = asyncio.Event()

    async def hang(_: Work) -> None:
        inside.set()
        await asyncio.Event().wait()

    async def away(_: Journal) -> None:
        message = "connection refused"
        raise AutoReconnect(message)

    engine = make_engine(hang)
    first, second = await engine.start(), await engine.start()
    monkeypatch.setattr(Journal, "give_back", away)
    async with asyncio.timeout(10):
        async with engine.working(slots=1):
            await inside.wait()
    found = await Generation.without_events([first.identity, second.identity])
    assert [found[one.identity].status for one in (first, second)] == [Status.RUNNING, Status.QUEUED]


async def test_short_absence_of_the_database_ends_no_work(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = asyncio.Event()
    renew = Journal.renew

    async def away_once(journal: Journal, lease_s: float) -> None:
        if missed.is_set():
            await renew(journal, lease_s)
            return
        missed.set()
        message = "connection refused"
        raise AutoReconnect(message)

    async def script(_: Work) -> None:
        await missed.wait()

    monkeypatch.setattr(Journal, "renew", away_once)
    engine = make_engine(script, lease_s=1.5)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert (ended.status, len(ended.attempts)) == (Status.SUCCEEDED, 1)
