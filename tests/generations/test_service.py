import asyncio

import pytest
from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.generations.model import Generation, Status
from app.generations.work import Work
from tests.generations.conftest import RECIPE, MakeEngine

_STAGES = 80  # more than a follower's buffer holds


async def _stages(work: Work) -> None:
    for number in range(_STAGES):
        await work.stage(f"stage {number}", number * 100 // _STAGES)


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
