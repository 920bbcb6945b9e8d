"""Named queries of dreams that nobody has a field for."""

import pytest
from beanie import PydanticObjectId

from app.dreams.model import Aside, Dream, Making
from app.dreams.parts import BOTH
from app.dreams.recipes import Again, recipe_of
from app.dreams.versions import DreamVersion
from app.errors import ErrorCode
from tests.dreams.conftest import Desk
from tests.dreams.dreams import dream_of, illustration_of, interpretation_of


@pytest.mark.long
async def test_all_of_an_owners_dreams_come_in_chunks_the_trash_included(bare_desk: Desk) -> None:
    owner_id = bare_desk.owner_id
    mine = [dream_of(owner_id, number) for number in range(403)]
    mine[0].trashed_at = mine[0].created_at
    for start in range(0, len(mine), 100):
        await Dream.insert_many(mine[start : start + 100])
    await dream_of(PydanticObjectId()).insert()
    first = await Dream.chunk(owner_id, 400)
    rest = await Dream.chunk(owner_id, 400, first[-1].identity)
    assert (len(first), len(rest), await Dream.number_of(owner_id)) == (400, 3, 403)
    assert [one.identity for one in (*first, *rest)] == [one.identity for one in mine]
    assert await Dream.chunk(owner_id, 400, rest[-1].identity) == []


async def test_all_versions_of_many_dreams_come_whatever_their_number(bare_desk: Desk) -> None:
    few, many, none = (dream_of(bare_desk.owner_id, number) for number in range(3))
    for dream, number in ((few, 1), (many, 45)):
        for _ in range(number):
            await DreamVersion.keep(dream, Aside(interpretation=interpretation_of()))
    found = await DreamVersion.all_of([few.identity, many.identity, none.identity])
    assert {dream_id: len(versions) for dream_id, versions in found.items()} == {few.identity: 1, many.identity: 45}
    ids = [version.identity for version in found[many.identity]]
    assert ids == sorted(set(ids), reverse=True)


async def test_pictures_are_kept_that_dreams_show_have_put_aside_or_had_before(bare_desk: Desk) -> None:
    shown, aside, before, loose = (PydanticObjectId() for _ in range(4))
    dream = dream_of(bare_desk.owner_id, illustration=illustration_of(shown))
    dream.aside = Aside(illustration=illustration_of(aside))
    await dream.insert()
    await DreamVersion.keep(dream, Aside(illustration=illustration_of(before)))
    asked = [shown, aside, before, loose]
    assert await Dream.showing(asked) == {shown, aside}
    assert await DreamVersion.showing(asked) == {before}


async def test_work_that_its_dream_does_not_wait_for_calls_nobody(bare_desk: Desk) -> None:
    dream, models = dream_of(bare_desk.owner_id), bare_desk.dreams.models
    recipe = recipe_of(dream, BOTH, Again(), models)
    await dream.insert()
    making = Making(generation_id=PydanticObjectId(), recipe=recipe, key=None)
    begun = await dream.begin(making, BOTH)
    assert begun is not None
    started = await bare_desk.dreams.starter.start(begun, making)
    assert await begun.end(dream.parts, None, None) is not None
    await bare_desk.work()
    (ended,) = await bare_desk.generations()
    assert ended.failure is not None
    assert (ended.identity, ended.failure.code, ended.calls) == (started.identity, ErrorCode.CONFLICT, [])
    assert (await bare_desk.now(dream)).parts == dream.parts
