"""The commands of what the engine does: started, run, tried again, cancelled, followed."""

import asyncio

from beanie import PydanticObjectId

from app.generations.following import progress
from app.generations.model import Generation
from bench.engine_parts.commands import Commands, show
from bench.engine_parts.jobs import LIKE_ORNAMENT, JobLikeOrnament, recipe
from bench.engine_parts.process import Engine, database, in_process

_BACKOFF_S = 0.1


async def scenarios(mongodb_url: str, commands: Commands) -> None:
    """Print the list of each."""
    job = JobLikeOrnament()
    engine = in_process({LIKE_ORNAMENT: job})
    async with database(mongodb_url, "scenarios"):
        await _warm(engine)
        commands.take()
        await _start(engine, commands)
        await _tried_again(engine, commands)
        await _cancelled(engine, job, commands)
        await _followed(engine, commands)


async def _warm(engine: Engine) -> None:
    """What only a new database sees: the provider's slots are made."""
    generation = await engine.generations.start(PydanticObjectId(), LIKE_ORNAMENT, recipe(), None)
    await engine.runner.run(generation.identity)


async def _start(engine: Engine, commands: Commands) -> None:
    owner_id = PydanticObjectId()
    generation = await engine.generations.start(owner_id, LIKE_ORNAMENT, recipe(), "key")
    show("start, the owner's first", commands.take())
    await engine.generations.start(owner_id, LIKE_ORNAMENT, recipe(), "key")
    show("start with the same key", commands.take())
    await engine.generations.start(owner_id, LIKE_ORNAMENT, recipe(), None)
    show("start, the owner's second", commands.take())
    await engine.runner.run(generation.identity)
    show("run to success", commands.take())
    await engine.runner.run(generation.identity)
    show("a ring for what has ended", commands.take())


async def _tried_again(engine: Engine, commands: Commands) -> None:
    owner_id = PydanticObjectId()
    generation = await engine.generations.start(owner_id, LIKE_ORNAMENT, recipe(fails="1"), None)
    commands.take()
    await engine.runner.run(generation.identity)
    show("run to a failure that is tried again", commands.take())
    await asyncio.sleep(_BACKOFF_S)
    await engine.runner.run(generation.identity)
    show("its second attempt, to success", commands.take())


async def _cancelled(engine: Engine, job: JobLikeOrnament, commands: Commands) -> None:
    owner_id = PydanticObjectId()
    start, cancel = engine.generations.start, engine.generations.cancel
    waiting = await start(owner_id, LIKE_ORNAMENT, recipe(), None)
    commands.take()
    await cancel(owner_id, waiting.identity)
    show("cancel of what waits", commands.take())
    await engine.generations.retry(owner_id, waiting.identity, None)
    show("retry of it by its owner", commands.take())
    hanging = await start(owner_id, LIKE_ORNAMENT, recipe(hangs="1"), None)
    async with asyncio.TaskGroup() as group:
        heeding = group.create_task(engine.runner.heed_cancels())
        job.asking.clear()
        running = group.create_task(engine.runner.run(hanging.identity))
        await job.asking.wait()
        commands.take()
        await cancel(owner_id, hanging.identity)
        await running
        heeding.cancel()
    show("cancel of what runs, and its end", commands.take())


async def _followed(engine: Engine, commands: Commands) -> None:
    generation = await engine.generations.start(PydanticObjectId(), LIKE_ORNAMENT, recipe(), None)
    commands.take()
    begun = asyncio.Event()
    following = asyncio.create_task(_follow(engine, generation, begun))
    await begun.wait()
    await engine.runner.run(generation.identity)
    events = await following
    show(f"a follower from start to end, {events} events", commands.take(lambda sent: "progress" in sent.by))
    await _follow(engine, generation, begun)
    show("a follower of what has ended", commands.take())


async def _follow(engine: Engine, generation: Generation, begun: asyncio.Event) -> int:
    """How many events came."""
    count = 0
    async for _ in progress(engine.hub, generation.owner_id, generation.identity, 0):
        begun.set()
        count += 1
    return count
