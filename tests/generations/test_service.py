import asyncio

import pytest
from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.generations.events import GenerationEvent
from app.generations.model import Generation, Status
from app.generations.work import Work
from tests.generations.conftest import RECIPE, Engine, MakeEngine, until

_STAGES = 80  # more than a follower's buffer holds


async def _stages(work: Work) -> None:
    for number in range(_STAGES):
        await work.stage(f"stage {number}", number * 100 // _STAGES)


async def _collect(engine: Engine, generation: Generation, after: int = 0) -> list[GenerationEvent]:
    async with asyncio.timeout(60):
        return [event async for event in engine.generations.follow(generation.identity, after)]


async def test_same_key_and_recipe_is_the_same_generation_even_at_once(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_stages), PydanticObjectId()
    started = await asyncio.gather(*(engine.start(owner, "key") for _ in range(6)))
    assert len({generation.identity for generation in started}) == 1
    assert await Generation.count() == 1


async def test_same_key_with_another_recipe_is_a_conflict(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_stages), PydanticObjectId()
    await engine.start(owner, "key")
    other_model = RECIPE.model_copy(update={"model": "test-2"})
    await engine.generations.start(owner, "TEST", other_model, "key")
    other = RECIPE.model_copy(update={"prompts": ("b",)})
    with pytest.raises(AppError) as conflict:
        await engine.generations.start(owner, "TEST", other, "key")
    assert conflict.value.code is ErrorCode.CONFLICT


async def test_same_key_of_another_owner_is_another_generation(make_engine: MakeEngine) -> None:
    engine = make_engine(_stages)
    first, second = await engine.start(key="key"), await engine.start(key="key")
    assert first.identity != second.identity


async def test_followers_who_come_at_any_time_see_every_event_once(make_engine: MakeEngine) -> None:
    engine = make_engine(_stages)
    generation = await engine.start()
    early = [asyncio.create_task(_collect(engine, generation)) for _ in range(3)]
    async with engine.working():
        await until(lambda: _has_come_to(generation, 20))
        late = [asyncio.create_task(_collect(engine, generation, after)) for after in (0, 7, 19)]
        seen = await asyncio.gather(*early, *late)
    everything = list(range(1, _STAGES + 4))
    expected = [everything] * 4 + [everything[7:], everything[19:]]
    assert [[event.sequence for event in events] for events in seen] == expected
    assert engine.hub.followers == 0


async def _has_come_to(generation: Generation, sequence: int) -> bool:
    return (await Generation.without_events([generation.identity]))[generation.identity].last_sequence >= sequence


async def test_slow_follower_is_caught_up_from_the_database(make_engine: MakeEngine) -> None:
    engine = make_engine(_stages)
    generation = await engine.start()
    follower = engine.generations.follow(generation.identity, 0)
    first = await anext(follower)
    async with engine.working():
        await engine.ended(generation)
    rest = [event.sequence async for event in follower]
    assert [first.sequence, *rest] == list(range(1, _STAGES + 4))


async def test_lost_message_delays_and_never_hangs(make_engine: MakeEngine) -> None:
    engine = make_engine(_stages)

    silent = make_engine(_stages, worker="other process")
    assert silent.hub is not engine.hub  # what the other process says is never heard here
    generation = await engine.start()
    following = asyncio.create_task(_collect(engine, generation))
    await silent.runner.run(generation.identity)
    assert [event.sequence for event in await following] == list(range(1, _STAGES + 4))


async def test_follower_who_leaves_is_forgotten(make_engine: MakeEngine) -> None:
    engine = make_engine(_stages)
    follower = engine.generations.follow((await engine.start()).identity, 0)
    await anext(follower)
    assert engine.hub.followers == 1
    await follower.aclose()
    assert engine.hub.followers == 0


async def test_pages_are_newest_first_and_by_status(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_stages), PydanticObjectId()
    started = [await engine.start(owner) for _ in range(5)]
    await engine.start()
    page = await Generation.page(owner, None, None, 3)
    assert [one.identity for one in page] == [one.identity for one in reversed(started)][:3]
    rest = await Generation.page(owner, [Status.QUEUED], page[-1].identity, 3)
    assert [one.identity for one in rest] == [one.identity for one in reversed(started)][3:]
    assert await Generation.page(owner, [Status.FAILED], None, 3) == []
    assert await Generation.page(owner, [], None, 3) == []
    assert await Generation.ahead(started[2].identity) == 2
