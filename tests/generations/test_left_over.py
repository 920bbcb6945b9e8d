"""What a crash left between the end of a generation and all that comes after it."""

import asyncio
from datetime import timedelta

from app.database.document import utc_now
from app.generations.model import Generation
from app.generations.work import Work
from tests.generations.conftest import Engine, MakeEngine, stored, until


async def _nothing(_: Work) -> None:
    """Do no work."""


async def _ended_untold(make_engine: MakeEngine, generation: Generation) -> Generation:
    """Ended by a process whose news nobody here hears, and which was killed before it had settled it."""
    await make_engine(_nothing, worker="killed").runner.run(generation.identity)
    await Generation.rows().update_one({"_id": generation.identity}, {"$set": {"settled": False}})
    return await stored(generation)


async def _numbers(engine: Engine, generation: Generation) -> list[int]:
    async with asyncio.timeout(30):
        return [event.sequence async for event in engine.follow(generation)]


async def _listens(engine: Engine) -> bool:
    return engine.hub.followers.count == 1 and engine.hub.followers.idle


async def test_end_that_a_crash_kept_from_its_followers_is_told_when_it_is_settled(make_engine: MakeEngine) -> None:
    engine = make_engine(_nothing)
    generation = await engine.start()
    following = asyncio.create_task(_numbers(engine, generation))
    await until(lambda: _listens(engine))
    ended = await _ended_untold(make_engine, generation)
    assert not following.done()
    await engine.runner.run(generation.identity)
    assert await following == list(range(1, ended.last_sequence + 1))


async def test_end_of_long_ago_is_settled_without_being_told(make_engine: MakeEngine) -> None:
    engine = make_engine(_nothing)
    generation = await engine.start()
    async with engine.hub.follow(generation.owner_id, None) as follower:
        for ended_ago_s, is_told in ((60, False), (1, True)):
            ended = await _ended_untold(make_engine, generation)
            ended_at = utc_now() - timedelta(seconds=ended_ago_s)
            await Generation.rows().update_one({"_id": generation.identity}, {"$set": {"endedAt": ended_at}})
            await engine.runner.run(generation.identity)
            assert follower.lacks(generation.identity, ended.last_sequence) is not is_told
            assert (await stored(generation)).settled
