import asyncio
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.database.document import utc_now
from app.generations.model import Generation, Status
from app.generations.recipe import Origin, Recipe, RecipePicture
from app.lineage.clearing import clear
from app.lineage.deletion import delete_forever
from app.lineage.place import Lineage
from app.lineage.tombstone import Tombstone
from app.lineage.trash import Trash
from app.lineage.writing import write, write_all
from app.pictures.model import Picture, PictureState
from tests.lineage.conftest import Commands, Sketch, chain, sketch, stored

pytestmark = pytest.mark.usefixtures("commands")
_LONG_AGO_S = -3600.0
"""As a grace period: all tombstones were touched before then."""


async def _clear() -> None:
    for _ in range(3):
        await clear({"sketches": Trash(Sketch, delete_forever)}, _LONG_AGO_S)


async def _left() -> tuple[set[PydanticObjectId], set[PydanticObjectId]]:
    """The ids of all versions, and of all tombstones."""
    documents, tombstones = [
        {row["_id"] async for row in kind.rows().find({}, {"_id": 1})} for kind in (Sketch, Tombstone)
    ]
    return documents, tombstones


async def _picture(identity: PydanticObjectId, owner_id: PydanticObjectId) -> PydanticObjectId:
    now = utc_now()
    await Picture(
        id=identity,
        owner_id=owner_id,
        sha256=str(identity),
        media_type="image/png",
        width=1,
        height=1,
        byte_size=1,
        thumbhash="",
        store="disk",
        key=str(identity),
        content=str(identity),
        state=PictureState.HELD,
        created_at=now,
        touched_at=now,
    ).insert()
    return identity


async def _generation(parent: Sketch, status: Status, *, settled: bool) -> Generation:
    """One that changes that version, or has."""
    recipe = Recipe(
        task="TEST",
        prompts=("a", "b"),
        pictures=(RecipePicture(picture_id=parent.picture_id, sha256="s"),),
        provider="test",
        model="test-1",
        parent_id=parent.identity,
        origin=Origin(ancestors=(*parent.lineage.ancestors, parent.identity), original_prompt="a", sources=()),
    )
    generation = Generation.queued(parent.owner_id, "TEST", recipe, str(PydanticObjectId()), utc_now())
    generation.status, generation.settled = status, settled
    assert await Generation.start(generation)
    return generation


def _result(generation: Generation) -> Sketch:
    """The version that it makes, from nothing but its recipe."""
    assert generation.recipe.origin
    like: dict[str, Any] = sketch().model_dump(exclude={"id"})
    place = Lineage.below(*generation.recipe.origin.ancestors)
    like |= {"owner_id": generation.owner_id, "lineage": place, "parent_id": place.parent_id}
    like |= {"id": generation.result_id, "generation_id": generation.identity}
    return Sketch(**like)


async def _held_pictures(generation: Generation) -> list[PydanticObjectId]:
    found = await Generation.get(generation.identity)
    assert found
    return found.picture_ids


async def test_version_without_descendants_leaves_nothing_behind() -> None:
    (only,) = await stored([sketch()])
    await delete_forever([only])
    assert await _left() == (set(), {only.identity})
    await _clear()
    assert await _left() == (set(), set())


async def test_tombstone_stays_until_the_last_descendant_is_gone() -> None:
    root = sketch()
    middle, leaf = chain(root, 2)
    await stored([root, middle, leaf])
    await delete_forever([root, middle])
    await _clear()
    assert await _left() == ({leaf.identity}, {root.identity, middle.identity})
    shown = (await Tombstone.of([middle.identity]))[middle.identity]
    assert (shown.lineage, shown.parent_id, shown.owner_id) == (middle.lineage, root.identity, root.owner_id)
    await delete_forever([leaf])
    await _clear()
    assert await _left() == (set(), set())


async def test_tombstone_that_somebody_looked_at_waits_for_no_further_look() -> None:
    root = sketch()
    (child,) = chain(root, 1)
    await stored([root, child])
    await delete_forever([root])
    await _clear()
    later = (await Tombstone.database_time()).replace(year=2100)
    assert await Tombstone.touched(later, 9) == []
    await delete_forever([child])
    assert {one.identity for one in await Tombstone.touched(later, 9)} == {root.identity, child.identity}


async def test_grace_period_keeps_what_was_just_touched() -> None:
    (only,) = await stored([sketch()])
    await delete_forever([only])
    await clear({"sketches": Trash(Sketch, delete_forever)}, 60)
    assert await _left() == (set(), {only.identity})


async def test_deletion_that_a_crash_cut_off_is_finished() -> None:
    root = sketch()
    (child,) = chain(root, 1)
    await stored([root, child])
    picture_id = await _picture(root.picture_id, root.owner_id)
    await Tombstone.keep([Tombstone.for_version(root)])
    await _clear()
    assert await _left() == ({child.identity}, {root.identity})
    picture = await Picture.get(picture_id)
    assert picture
    assert picture.state is PictureState.LOOSE


async def test_deletion_is_safe_to_repeat_and_to_race() -> None:
    root = sketch()
    deep = chain(root, 3)
    await stored([root, *deep])
    await asyncio.gather(*(delete_forever([one]) for one in (root, deep[0], root, deep[0], deep[1])))
    await delete_forever([root, deep[0]])
    await asyncio.gather(_clear(), _clear())
    assert await _left() == ({deep[2].identity}, {root.identity, deep[0].identity, deep[1].identity})


async def test_version_whose_parents_went_meanwhile_is_written_under_their_tombstones() -> None:
    root = sketch()
    middle, parent = chain(root, 2)
    await stored([root, middle, parent])
    running = await _generation(parent, Status.RUNNING, settled=False)
    await delete_forever([root, middle, parent])
    await _clear()  # nothing descends from them now, and the parent alone is known to be worked on
    child = _result(running)
    assert await write(child)
    await _clear()
    assert await _left() == ({child.identity}, {root.identity, middle.identity, parent.identity})
    again = (await Tombstone.of([middle.identity]))[middle.identity]
    assert (again.lineage, again.parent_id) == (middle.lineage, root.identity)


async def test_version_that_was_deleted_is_not_written_again_by_who_comes_late() -> None:
    (root,) = await stored([sketch()])
    (child,) = chain(root, 1)
    assert await write(child)
    assert await write(child)
    await delete_forever([child])
    assert not await write(child)
    assert (await _left())[0] == {root.identity}


async def test_result_of_a_deleted_version_counts_as_written() -> None:
    (root,) = await stored([sketch()])
    made = await _generation(root, Status.SUCCEEDED, settled=False)
    child = _result(made)
    assert await write(child)
    await delete_forever([child])
    found = await Generation.get(made.identity)
    assert found
    assert found.settled


async def test_generations_let_go_of_the_pictures_of_a_deleted_version() -> None:
    root = sketch()
    own = await _generation(root, Status.SUCCEEDED, settled=True)
    version = sketch(root).model_copy(update={"generation_id": own.identity})
    await stored([root, version])
    failed = await _generation(version, Status.FAILED, settled=True)
    pictures = [await _picture(one, root.owner_id) for one in (version.picture_id, root.picture_id)]
    await delete_forever([version])
    assert [await _held_pictures(one) for one in (own, failed)] == [[], []]
    assert {one.state for one in (await Picture.by_ids(pictures)).values()} == {PictureState.LOOSE}


async def test_words_of_a_deleted_version_are_blanked_in_the_work_that_made_it_alone() -> None:
    root = sketch()
    own = await _generation(root, Status.SUCCEEDED, settled=False)
    version = sketch(root).model_copy(update={"generation_id": own.identity})
    await stored([root, version])
    childs = await _generation(version, Status.SUCCEEDED, settled=True)
    await delete_forever([version])
    found = await Generation.without_events([own.identity, childs.identity])
    assert [found[one.identity].recipe.prompts for one in (own, childs)] == [(), ("a", "b")]


async def test_running_generation_keeps_the_picture_of_a_deleted_parent_until_its_end() -> None:
    (parent,) = await stored([sketch()])
    running = await _generation(parent, Status.RUNNING, settled=False)
    await delete_forever([parent])
    await _clear()
    assert await _held_pictures(running) == [parent.picture_id]
    assert (await _left())[1] == {parent.identity}
    await Generation.rows().update_one({"_id": running.identity}, {"$set": {"status": "FAILED", "settled": True}})
    await _clear()
    assert await _held_pictures(running) == []
    assert await _left() == (set(), set())


async def test_hundred_versions_are_deleted_with_as_few_commands_as_two(commands: Commands) -> None:
    root = sketch()
    wide = [sketch(root) for _ in range(102)]
    await stored([root, *wide])
    sent = list[list[str]]()
    for some in (wide[:2], wide[2:]):
        commands.sent.clear()
        await delete_forever(some)
        sent.append(list(commands.sent))
    assert sent[0] == sent[1]
    assert len(sent[0]) < 12


async def test_trash_sorts_out_what_is_not_the_owners() -> None:
    owned, foreign, gone = await stored([sketch(), sketch(), sketch()])
    ours = {"ownerId": owned.owner_id}
    await Sketch.rows().update_one({"_id": gone.identity}, {"$set": ours})
    trash = Trash(Sketch, delete_forever)
    wanted = {0: owned.identity, 1: foreign.identity, 3: gone.identity, 4: PydanticObjectId()}
    moved = await trash.put(owned.owner_id, wanted)
    assert set(moved.own) == {owned.identity, gone.identity}
    assert all(one.trashed_at for one in moved.own.values())
    assert [(fault.code, fault.path) for fault in moved.refused] == [
        ("FORBIDDEN", ("input", "ids", "1")),
        ("NOT_FOUND", ("input", "ids", "4")),
    ]
    again = await trash.put(owned.owner_id, {0: owned.identity})
    assert again.own[owned.identity].trashed_at == moved.own[owned.identity].trashed_at
    assert (await trash.restore(owned.owner_id, {0: owned.identity})).own[owned.identity].trashed_at is None
    assert set((await trash.delete_forever(owned.owner_id, {0: gone.identity})).own) == {gone.identity}
    once_more = await trash.delete_forever(owned.owner_id, {0: gone.identity})
    assert (set(once_more.gone), once_more.refused) == ({gone.identity}, [])
    restored = await trash.restore(owned.owner_id, {0: gone.identity})
    assert [fault.code for fault in restored.refused] == ["NOT_FOUND"]


async def test_many_versions_are_written_with_few_commands_and_like_one_by_one(commands: Commands) -> None:
    gone = sketch()
    versions = [sketch(gone), *(sketch() for _ in range(150))]
    versions += [sketch(version) for version in versions[:50]]
    deleted = versions[7]
    await stored([deleted])
    await delete_forever([deleted])
    commands.sent.clear()
    left = await write_all(versions)
    assert len(commands.sent) < 25
    assert [one.identity for one in left] == [one.identity for one in versions if one is not deleted]
    documents, tombstones = await _left()
    assert documents == {one.identity for one in left}
    assert tombstones == {gone.identity, deleted.identity}
    assert await write_all(versions) == left
    assert (await _left()) == (documents, tombstones)
