"""One owner's many never keep another waiting, and are bounded."""

import asyncio
from collections.abc import Sequence

import pytest
from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.generations.lanes import Lane
from app.generations.model import Generation, Status
from app.generations.service import OwnerLimits
from app.generations.work import Work
from tests.generations.conftest import MakeEngine, stored


async def _nothing(_: Work) -> None:
    return


async def test_no_more_of_an_owner_run_at_once_than_the_window_holds(make_engine: MakeEngine) -> None:
    running = most = 0
    two = asyncio.Event()

    async def script(_: Work) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            two.set()
        await two.wait()
        running -= 1

    engine, owner = make_engine(script, limits=OwnerLimits(running=2, queued=20)), PydanticObjectId()
    started = await asyncio.gather(*(engine.start(owner) for _ in range(9)))
    async with engine.working(slots=6):
        ended = [await engine.ended(one) for one in started]
    assert most == 2
    assert {one.status for one in ended} == {Status.SUCCEEDED}
    assert [lane.open for lane in await Lane.find_all().to_list()] == [[]]


@pytest.mark.long
async def test_many_of_one_owner_leave_the_next_slot_to_another(make_engine: MakeEngine) -> None:
    begun: list[PydanticObjectId] = []

    async def script(work: Work) -> None:
        begun.append(work.generation.owner_id)

    engine = make_engine(script, limits=OwnerLimits(running=2, queued=100))
    greedy, modest = PydanticObjectId(), PydanticObjectId()
    many = [await engine.start(greedy) for _ in range(40)]
    one = await engine.start(modest)
    async with engine.working(slots=2):
        await engine.ended(one)
        assert begun.index(modest) <= 3  # the other slot's next may begin before it, though it was taken after it
        for other in many:
            await engine.ended(other)


async def test_more_than_may_wait_are_refused_and_leave_nothing(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing, limits=OwnerLimits(running=1, queued=2)), PydanticObjectId()
    results = await asyncio.gather(*(engine.start(owner, f"key {n}") for n in range(8)), return_exceptions=True)
    accepted = [one for one in results if isinstance(one, Generation)]
    refused = [one for one in results if isinstance(one, AppError)]
    assert (len(accepted), len(refused)) == (3, 5)
    assert {(one.code, one.retryable) for one in refused} == {(ErrorCode.RATE_LIMITED, True)}
    assert all(one.retry_after_s and one.retry_after_s >= 1 for one in refused)
    assert await Generation.count() == 3
    async with engine.working():
        for one in accepted:
            await engine.ended(one)
        await engine.ended(await engine.start(owner))


async def test_known_key_is_answered_though_the_lane_is_full(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing, limits=OwnerLimits(running=1, queued=1)), PydanticObjectId()
    first = await engine.start(owner, "key")
    await engine.start(owner)
    assert (await engine.start(owner, "key")).identity == first.identity
    with pytest.raises(AppError, match="as many generations waiting"):
        await engine.start(owner, "another")


async def test_known_key_takes_no_second_place_in_the_lane(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing), PydanticObjectId()
    started = await asyncio.gather(*(engine.start(owner, "key") for _ in range(5)))
    lane = await Lane.get(owner)
    assert lane is not None
    assert lane.open == [started[0].identity]


@pytest.mark.usefixtures("make_engine")
async def test_one_that_joins_twice_has_one_place_even_in_a_full_lane() -> None:
    owner, first, second = PydanticObjectId(), PydanticObjectId(), PydanticObjectId()
    for _ in range(2):
        assert await Lane.join(owner, first, 1, 2) is True
        assert await Lane.join(owner, second, 1, 2) is False
    assert await Lane.join(owner, PydanticObjectId(), 1, 2) is None
    lane = await Lane.get(owner)
    assert lane is not None
    assert (lane.open, lane.busy) == ([first, second], True)
    assert await Lane.leave(owner, [first], 1) == [second]
    await Lane.leave(owner, [second], 1)
    lane = await Lane.get(owner)
    assert lane is not None
    assert (lane.open, lane.busy) == ([], False)


async def test_sweep_admits_what_is_in_no_lane_and_drops_what_is_over(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing), PydanticObjectId()
    async with engine.working():
        ended = await engine.ended(await engine.start(owner))
    stray = await engine.start(owner)
    await Lane.rows().update_one({"_id": owner}, {"$set": {"open": [ended.identity], "busy": True}})
    await engine.sweeper.sweep()
    lane = await Lane.get(owner)
    assert lane is not None
    assert lane.open == [stray.identity]
    async with engine.working():
        sweep = asyncio.create_task(engine.sweeper.run())
        assert (await engine.ended(stray)).status is Status.SUCCEEDED
        sweep.cancel()


async def test_place_of_what_was_never_stored_is_freed_after_a_while(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing, limits=OwnerLimits(running=1, queued=5)), PydanticObjectId()
    never = PydanticObjectId("000000000000000000000001")  # its time is long ago
    being_accepted = PydanticObjectId()
    await Lane.admit(owner, never)
    await Lane.admit(owner, being_accepted)
    await engine.sweeper.sweep()
    lane = await Lane.get(owner)
    assert lane is not None
    assert lane.open == [being_accepted]


async def test_two_sweepers_at_once_ring_and_run_everything_once(make_engine: MakeEngine) -> None:
    runs: list[PydanticObjectId] = []
    round_is_over = asyncio.Event()

    async def script(work: Work) -> None:
        runs.append(work.generation.identity)
        await round_is_over.wait()  # so that others run while it is swept

    lost = make_engine(_nothing)
    started = [await lost.start() for _ in range(10)]
    one, two = make_engine(script, worker="w1"), make_engine(script, worker="w2")
    rounds = 0
    async with one.working(), two.working(), asyncio.timeout(60):
        while not await _all_ended(started):
            await asyncio.gather(one.sweeper.sweep(), two.sweeper.sweep())
            rounds += 1
            round_is_over.set()
            round_is_over.clear()
    assert rounds > len(started) / 4  # four slots, and nothing ends but between two rounds
    assert sorted(runs) == sorted(generation.identity for generation in started)
    assert {len((await stored(generation)).attempts) for generation in started} == {1}


async def _all_ended(started: Sequence[Generation]) -> bool:
    standing = await Generation.standing([one.identity for one in started])
    return all(one.status.ended for one in standing.values())


async def test_nothing_joins_a_closed_lane_and_nothing_of_it_is_rung_for(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing), PydanticObjectId()
    waiting = await engine.start(owner, key="before")
    await Lane.close(owner)
    with pytest.raises(AppError, match="does not exist any more") as refused:
        await engine.start(owner, key="after")
    assert refused.value.code is ErrorCode.UNAUTHENTICATED
    assert (await engine.start(owner, key="before")).identity == waiting.identity
    await engine.sweeper.sweep()
    await Lane.admit(owner, waiting.identity)
    assert await Lane.join(owner, waiting.identity, 4, 504) is None
    lane = await Lane.get(owner)
    assert lane is not None
    assert (lane.open, lane.busy, lane.closed) == ([], False, True)
    assert await Generation.count() == 1


async def test_lane_of_nobody_is_closed_too_and_opens_again_when_it_is_forgotten(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_nothing), PydanticObjectId()
    await asyncio.gather(*(Lane.close(owner) for _ in range(4)))
    assert await Lane.is_closed(owner)
    await Lane.forget(owner)
    await engine.start(owner)
    await Lane.forget(owner)
    assert not await Lane.is_closed(owner)
    assert await Lane.count() == 1, "one that is not closed is not forgotten"
