"""A dream is followed live: nobody has to poll."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing

from app.dreams.deletion import delete_forever
from app.dreams.following import DreamNews, updates, wake
from app.dreams.model import Dream
from app.dreams.parts import DreamStatus
from app.errors import ErrorCode
from app.generations.events import EventType
from app.generations.following import everything, progress
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.simulator.scenario import Provider, Scenario
from app.simulator.simulator import Simulator
from tests.dreams.conftest import Desk, MakeDesk


def followed(desk: Desk, dream: Dream) -> AsyncGenerator[DreamNews]:
    return updates(desk.parts.hub, desk.owner_id, dream.identity)


async def until_status(news: AsyncGenerator[DreamNews], status: DreamStatus) -> list[DreamNews]:
    """All that is told up to that status, itself included."""
    told = list[DreamNews]()
    async with asyncio.timeout(60):
        async for one in news:
            told.append(one)
            if one.dream.status is status:
                return told
    raise AssertionError


async def test_narrative_then_interpretation_then_picture(desk: Desk) -> None:
    recorded = await desk.record()
    async with aclosing(followed(desk, recorded.dream)) as news:
        working = asyncio.create_task(desk.work())
        told = await until_status(news, DreamStatus.READY)
        await working
    narratives = [one.narrative for one in told if one.narrative]
    last = told[-1].dream
    assert last.interpretation is not None
    assert narratives[-1] == last.interpretation.narrative
    stages = [(one.dream.interpretation is not None, one.dream.illustration is not None) for one in told]
    assert stages == sorted(stages)
    assert {(False, False), (True, False), (True, True)} == set(stages)


async def test_who_comes_late_is_told_what_is_written_so_far(desk: Desk, simulator: Simulator) -> None:
    simulator.hold(after=6)
    recorded = await desk.record()
    working = asyncio.create_task(desk.work())
    async with aclosing(followed(desk, recorded.dream)) as early:
        async for one in early:
            if one.narrative:
                break
    async with aclosing(followed(desk, recorded.dream)) as late:
        first = await anext(late)
        assert first.narrative
        simulator.release()
        assert (await until_status(late, DreamStatus.READY))[-1].narrative is None
    await working


async def test_work_that_is_begun_later_is_told_too(desk: Desk, simulator: Simulator) -> None:
    dream = await desk.recorded()
    async with aclosing(followed(desk, dream)) as news:
        assert (await anext(news)).dream.status is DreamStatus.READY
        begun = asyncio.create_task(until_status(news, DreamStatus.PROCESSING))
        await asyncio.sleep(0)
        simulator.then(Provider.OPENAI, Scenario.FAILING)
        await desk.again(dream)
        assert (await begun)[-1].dream.parts.there == frozenset()
        await desk.work()
        failed = (await until_status(news, DreamStatus.FAILED))[-1].dream
        assert failed.failure is not None


async def test_what_was_missed_is_read(desk: Desk) -> None:
    recorded = await desk.record()
    async with aclosing(followed(desk, recorded.dream)) as news:
        assert (await anext(news)).dream.status is DreamStatus.PROCESSING
        ended = asyncio.create_task(until_status(news, DreamStatus.READY))
        await asyncio.sleep(0)
        await desk.work()
        desk.parts.hub.followers.miss_all()
        assert (await ended)[-1].dream.status is DreamStatus.READY


async def _told_of(news: AsyncGenerator[DreamNews], change: Awaitable[object]) -> Dream:
    """What is told when that is done."""
    told = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    await change
    async with asyncio.timeout(60):
        return (await told).dream


async def test_what_the_owner_changes_is_told_to_every_follower(desk: Desk) -> None:
    dream, owner_id = await desk.recorded(), desk.owner_id
    await desk.again(dream)
    await desk.work()
    (version,) = await desk.versions(dream)
    async with aclosing(followed(desk, dream)) as one, aclosing(followed(desk, dream)) as other:
        await anext(one)
        await anext(other)
        others = asyncio.ensure_future(anext(other))
        await asyncio.sleep(0)
        renamed = await _told_of(one, desk.dreams.update(owner_id, dream.identity, {"title": "Whale"}))
        assert (renamed.title, (await others).dream) == ("Whale", renamed)
        restored = await _told_of(one, desk.dreams.restore_version(owner_id, version.identity))
        assert (restored.parts, restored.aside) == (version.parts, None)


async def test_dream_whose_work_is_given_up_by_the_sweep_is_told(make_desk: MakeDesk) -> None:
    desk = await make_desk(user_running_limit=1, user_queued_limit=1)
    dream = (await desk.record()).dream
    assert dream.making is not None
    await Generation.rows().delete_many({"_id": dream.generation_id})  # as if the process had died before it
    await Lane.leave(desk.owner_id, [dream.making.generation_id], 1)
    await Dream.rows().update_one({"_id": dream.identity}, {"$set": {"making.started": False, "due": Dream.soon()}})
    while (await desk.record("Another one.")).refusal is None:
        pass
    async with aclosing(followed(desk, dream)) as news:
        assert (await anext(news)).dream.status is DreamStatus.PROCESSING
        given_up = await _told_of(news, desk.sweep())
    assert given_up.failure is not None
    assert (given_up.status, given_up.failure.code) == (DreamStatus.FAILED, ErrorCode.RATE_LIMITED)


async def test_wake_is_no_event_of_any_generation(desk: Desk) -> None:
    dream = (await desk.record()).dream
    assert dream.generation_id is not None
    clock = desk.parts.services.generations.clock
    async with (
        aclosing(progress(desk.parts.hub, desk.owner_id, dream.generation_id, 0)) as events,
        aclosing(everything(desk.parts.hub, clock, desk.owner_id, None)) as all_events,
    ):
        assert (await anext(events)).type is EventType.QUEUED
        assert (await anext(all_events))[1].type is EventType.SNAPSHOT
        of_one, of_all = asyncio.ensure_future(anext(events)), asyncio.ensure_future(anext(all_events))
        await asyncio.sleep(0)
        for about in (dream.identity, dream.generation_id):
            await wake(desk.parts.hub, desk.owner_id, [about])
        await desk.work()
        assert ((await of_one).type, (await of_all)[1].type) == (EventType.STARTED, EventType.STARTED)


async def test_end_of_a_dream_is_the_end_of_its_news(desk: Desk) -> None:
    dream = await desk.recorded()
    async with aclosing(followed(desk, dream)) as news:
        await anext(news)
        rest = asyncio.create_task(anext(news, None))
        await asyncio.sleep(0)
        await delete_forever([dream])
        desk.parts.hub.followers.miss_all()
        assert await rest is None
