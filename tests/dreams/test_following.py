"""A dream is followed live: nobody has to poll."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.dreams.deletion import delete_forever
from app.dreams.following import DreamNews, updates
from app.dreams.model import Dream
from app.dreams.parts import DreamStatus
from app.simulator.scenario import Provider, Scenario
from app.simulator.simulator import Simulator
from tests.dreams.conftest import Desk


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


async def test_end_of_a_dream_is_the_end_of_its_news(desk: Desk) -> None:
    dream = await desk.recorded()
    async with aclosing(followed(desk, dream)) as news:
        await anext(news)
        rest = asyncio.create_task(anext(news, None))
        await asyncio.sleep(0)
        await delete_forever([dream])
        desk.parts.hub.followers.miss_all()
        assert await rest is None
