"""Every call to a provider is in the ledger before it is made, once, and is closed whatever happens."""

import asyncio

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode, FailedCall
from app.generations.claims import claim
from app.generations.model import Generation, Status
from app.generations.retries import RetryPolicy
from app.generations.service import OwnerLimits
from app.generations.slots import ProviderSlots, Slot
from app.generations.work import CalledModel, Work
from tests.generations.conftest import MakeEngine, stored, until

_MODEL = CalledModel("painter", "painter-1", billable=True)


async def _nothing(_: Work) -> None:
    return


async def test_call_is_in_the_ledger_before_it_is_made_and_closed_after(make_engine: MakeEngine) -> None:
    seen: list[list[str | None]] = []

    async def script(work: Work) -> None:
        async with work.call(_MODEL) as call:
            await work.stage("asking", 10)
            seen.append([one.outcome for one in (await stored(work.generation)).calls])
            call.provider_request_id = "request-1"
        await work.stage("storing", 90)

    engine = make_engine(script)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert seen == [[None]]
    (call,) = ended.calls
    assert (call.provider, call.model, call.outcome, call.maybe_billed) == ("painter", "painter-1", "SUCCEEDED", False)
    assert call.provider_request_id == "request-1"
    assert call.ended_at is not None
    assert call.started_at <= call.ended_at


async def test_each_attempts_call_is_an_entry_of_its_own(make_engine: MakeEngine) -> None:
    failures = [
        AppError(ErrorCode.PROVIDER_UNAVAILABLE, "No.", retryable=True, call=FailedCall()),
        AppError(ErrorCode.TIMEOUT, "Too slow.", retryable=True),
    ]

    async def script(work: Work) -> None:
        async with work.call(_MODEL):
            await work.stage("asking", 10)
            if failures:
                raise failures.pop(0)

    engine = make_engine(script, retries=RetryPolicy(first_s=0.02))
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert [(one.number, one.attempt, one.outcome, one.code, one.maybe_billed) for one in ended.calls] == [
        (1, 1, "FAILED", "PROVIDER_UNAVAILABLE", False),
        (2, 2, "FAILED", "TIMEOUT", True),
        (3, 3, "SUCCEEDED", None, False),
    ]


async def test_dead_workers_call_is_closed_by_who_takes_over(make_engine: MakeEngine) -> None:
    inside = asyncio.Event()

    async def script(work: Work) -> None:
        async with work.call(_MODEL):
            await work.stage("asking", 10)
            inside.set()
            await asyncio.Event().wait()

    doomed = make_engine(script, worker="doomed")
    generation = await doomed.start()
    run = asyncio.create_task(doomed.runner.run(generation.identity))
    await inside.wait()
    past = {"$set": {"lease.until": {"$subtract": ["$$NOW", 1000]}}}
    await Generation.rows().update_one({"_id": generation.identity}, [past])
    taken = await claim(generation.identity, "heir", 30)
    run.cancel()
    await asyncio.wait([run])
    assert taken is not None
    assert [(one.outcome, one.maybe_billed) for one in taken.calls] == [("LEASE_LOST", True)]
    assert [(one.outcome, one.maybe_billed) for one in (await stored(generation)).calls] == [("LEASE_LOST", True)]


async def test_providers_limit_holds_over_all_workers(make_engine: MakeEngine) -> None:
    calling = most = 0
    two = asyncio.Event()

    async def script(work: Work) -> None:
        nonlocal calling, most
        async with work.call(_MODEL):
            calling += 1
            most = max(most, calling)
            if calling == 2:
                two.set()
            await work.stage("asking", 10)
            await two.wait()
            calling -= 1

    limits = {"painter": 2}
    engines = [make_engine(script, worker=f"w{number}", calls_at_once=limits) for number in range(3)]
    async with engines[0].working(3), engines[1].working(3), engines[2].working(3):
        started = [(engine, await engine.start()) for engine in engines for _ in range(3)]
        for engine, generation in started:
            assert (await engine.ended(generation)).status is Status.SUCCEEDED
    assert most == 2
    assert await ProviderSlots.all_taken() == []


async def test_slot_of_a_dead_attempt_is_freed_by_the_sweep(make_engine: MakeEngine) -> None:
    async def script(work: Work) -> None:
        async with work.call(_MODEL):
            await work.stage("asking", 10)

    engine = make_engine(script, calls_at_once={"painter": 1}, limits=OwnerLimits())
    generation = await engine.start()
    ghost = Slot(id=PydanticObjectId(), generation_id=PydanticObjectId(), attempt=1, until=generation.created_at)
    assert await ProviderSlots.take("painter", ghost, 1, 3600)
    async with engine.working():
        sweep = asyncio.create_task(engine.sweeper.run())
        assert (await engine.ended(generation)).status is Status.SUCCEEDED
        sweep.cancel()


async def test_slot_is_over_with_its_lease_even_if_nobody_frees_it(make_engine: MakeEngine) -> None:
    generation = await make_engine(_nothing).start()
    first, second = (
        Slot(id=PydanticObjectId(), generation_id=generation.identity, attempt=1, until=generation.created_at)
        for _ in range(2)
    )
    assert await ProviderSlots.take("painter", first, 1, 0.2)
    assert not await ProviderSlots.take("painter", second, 1, 0.2)
    await until(lambda: ProviderSlots.take("painter", second, 1, 30))
