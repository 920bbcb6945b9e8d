"""Moves between stores: killed anywhere, beside sweeps, keepers and each other."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from beanie import PydanticObjectId
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from app.errors import AppError, ErrorCode
from app.pictures import moves
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture, PictureState
from app.pictures.moves import Outcome
from app.pictures.sweep import left_for
from tests.indexed import point_at
from tests.pictures.conductor import Conductor
from tests.pictures.conftest import (
    Gate,
    GatedStore,
    KilledError,
    age,
    age_places,
    everything,
    files,
    killed_at,
    nothing,
    open_gate,
)

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()
_OWNER = PydanticObjectId()
_GRACE_S = 60
_FAR = "cloudinary:shop"


class Two(NamedTuple):
    """Two stores with a disk each."""

    near: DiskStore
    far: DiskStore

    def pictures(self, gate: Gate = open_gate) -> Pictures:
        """New ones go to the near one."""
        return Pictures(GatedStore(self.near, gate), (GatedStore(self.far, gate, title=_FAR),))

    async def move(self, gate: Gate = open_gate, *, back: bool = False) -> Outcome:
        """Move the only picture, the way that another process would."""
        pictures = self.pictures(gate)
        near, far = pictures.stores
        return await moves.move(pictures.stores, await _only(), near if back else far)

    def all_files(self) -> set[tuple[str, str]]:
        """Store and key of everything that lies anywhere."""
        near = {("disk", name.removeprefix("pictures/")) for name in files(self.near)}
        return near | {(_FAR, name.removeprefix("pictures/")) for name in files(self.far)}

    async def settle(self, referenced: bool = True) -> None:  # noqa: FBT001, FBT002 - one or the other
        """Let years pass, sweeping now and then."""
        for _ in range(3):
            await age()
            await age_places()
            await self.pictures().sweep(everything if referenced else nothing, _GRACE_S)


@pytest.fixture
async def two(database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> Two:
    await point_at(database, [Picture])
    links = MediaLinks(b"k" * 32)
    return Two(DiskStore(tmp_path / "near", links), DiskStore(tmp_path / "far", links))


async def _only() -> Picture:
    (picture,) = await Picture.find_all().to_list()
    return picture


async def _consistent(two: Two) -> None:
    """Every usable picture has its bytes, and everything that lies anywhere stands in a document."""
    found = await Picture.find_all().to_list()
    stored = two.all_files()
    usable = [picture for picture in found if picture.state is not PictureState.DELETING]
    assert {(picture.store, picture.key) for picture in usable} <= stored
    assert stored <= {place for picture in found for place in picture.places}


async def test_moved_picture_is_read_from_where_it_lies_now(two: Two) -> None:
    before = await two.pictures().keep(_OWNER, _CAR)
    assert await two.move() is Outcome.MOVED
    after = await _only()
    assert (after.identity, after.store, after.state) == (before.identity, _FAR, before.state)
    assert after.key != before.key
    await two.near.delete(before.key)
    assert await two.pictures().read(after) == _CAR
    assert await two.pictures().read(before) == _CAR  # who read the document before the move finds it too


async def test_links_from_before_work_until_the_last_of_them_has_expired(two: Two) -> None:
    before = await two.pictures().keep(_OWNER, _CAR)
    await two.move()
    assert left_for(0).total_seconds() > 2 * 3_600  # a link's longest life
    await age()
    await two.pictures().sweep(everything, 0)
    assert await two.near.file(before.key, 0) is not None
    await two.settle()
    assert await two.near.file(before.key, 0) is None
    assert two.all_files() == {(_FAR, (await _only()).key)}
    assert (await _only()).left == ()


@pytest.mark.parametrize("place", ["open?", "put?", "put!"])
async def test_killed_move_goes_on_where_it_was(two: Two, place: str) -> None:
    await two.pictures().keep(_OWNER, _CAR)
    with pytest.raises(KilledError):
        await two.move(killed_at(place))
    await _consistent(two)
    assert await two.pictures().read(await _only()) == _CAR
    assert await two.move() is Outcome.MOVED
    await _consistent(two)
    await two.settle()
    assert two.all_files() == {(_FAR, (await _only()).key)}


async def test_move_killed_while_it_compares_goes_on(two: Two) -> None:
    await two.pictures().keep(_OWNER, _CAR)
    opened = 0

    async def at_the_second(place: str) -> None:
        nonlocal opened
        opened += place == "open?"
        if opened == 2:
            raise KilledError

    with pytest.raises(KilledError):
        await two.move(at_the_second)
    planned = (await _only()).moving
    assert await two.move() is Outcome.MOVED
    assert planned is not None
    assert (await _only()).key == planned.key  # the copy that was there is used
    await _consistent(two)


@pytest.mark.parametrize("place", ["put?", "put!"])
async def test_killed_move_that_nobody_goes_on_with_leaves_the_picture_where_it_was(two: Two, place: str) -> None:
    before = await two.pictures().keep(_OWNER, _CAR)
    with pytest.raises(KilledError):
        await two.move(killed_at(place))
    await two.settle()
    after = await _only()
    assert (after.key, after.moving, after.left) == (before.key, None, ())
    assert two.all_files() == {("disk", before.key)}


@pytest.mark.parametrize("place", ["put?", "put!"])
async def test_picture_deleted_after_a_killed_move_leaves_nothing_anywhere(two: Two, place: str) -> None:
    await two.pictures().keep(_OWNER, _CAR)
    with pytest.raises(KilledError):
        await two.move(killed_at(place))
    await age()
    assert (await two.pictures().sweep(nothing, _GRACE_S)).deleted == 1
    assert (await Picture.count(), two.all_files()) == (0, set())


async def test_picture_deleted_after_a_move_is_deleted_from_both_stores(two: Two) -> None:
    await two.pictures().keep(_OWNER, _CAR)
    await two.move()
    await age()
    await two.pictures().sweep(nothing, _GRACE_S)
    assert (await Picture.count(), two.all_files()) == (0, set())


@pytest.mark.parametrize("place", ["put?", "put!"])
async def test_picture_deleted_in_the_middle_of_a_move_leaves_nothing(two: Two, place: str) -> None:
    await two.pictures().keep(_OWNER, _CAR)

    async def swept(here: str) -> None:
        if here == place:
            await age()
            assert (await two.pictures().sweep(nothing, _GRACE_S)).deleted == 1

    assert await two.move(swept) is Outcome.OVERTAKEN
    assert (await Picture.count(), two.all_files()) == (0, set())


async def test_move_back_before_the_old_bytes_are_deleted_loses_nothing(two: Two) -> None:
    await two.pictures().keep(_OWNER, _CAR)
    assert [await two.move(), await two.move(back=True), await two.move()] == [Outcome.MOVED] * 3
    assert len(two.all_files()) == 4
    await _consistent(two)
    await two.settle()
    assert two.all_files() == {(_FAR, (await _only()).key)}
    assert await two.pictures().read(await _only()) == _CAR


async def test_two_moves_at_once_make_one_picture_of_it(two: Two) -> None:
    await two.pictures().keep(_OWNER, _CAR)
    outcomes = await asyncio.gather(*(two.move() for _ in range(4)))
    assert outcomes.count(Outcome.MOVED) == 1
    await _consistent(two)
    await two.settle()
    assert two.all_files() == {(_FAR, (await _only()).key)}


async def test_same_bytes_that_lie_there_already_stay_another_picture(two: Two) -> None:
    near = await two.pictures().keep(_OWNER, _CAR)
    far = await Pictures(GatedStore(two.far, title=_FAR)).keep(_OWNER, _CAR)
    stores = two.pictures().stores
    assert await moves.move(stores, near, tuple(stores)[1]) is Outcome.MOVED
    found = await Picture.by_ids([near.identity, far.identity])
    assert [found[one.identity].content is None for one in (near, far)] == [True, False]
    assert [await two.pictures().read(one) for one in found.values()] == [_CAR, _CAR]
    assert (await Pictures(GatedStore(two.far, title=_FAR)).keep(_OWNER, _CAR)).identity == far.identity


async def test_upload_of_the_same_bytes_during_a_move_keeps_the_picture(two: Two) -> None:
    first = await two.pictures().keep(_OWNER, _CAR)

    async def keeping(place: str) -> None:
        if place == "put!":
            assert (await two.pictures().keep(_OWNER, _CAR)).identity == first.identity

    assert await two.move(keeping) is Outcome.MOVED
    await _consistent(two)


async def test_picture_that_is_moved_while_it_is_kept_keeps_its_new_places_version(two: Two) -> None:
    await two.pictures().keep(_OWNER, _CAR)

    async def moving(place: str) -> None:
        if place == "put!":
            await two.move()

    kept = await two.pictures(moving).keep(_OWNER, _CAR)
    assert (kept.store, kept.version) == (_FAR, None)
    await _consistent(two)


async def test_damaged_picture_is_not_moved(two: Two) -> None:
    kept = await two.pictures().keep(_OWNER, _CAR)
    (two.near.root / "pictures" / kept.key).write_bytes(_CAR[:-1])
    with pytest.raises(AppError) as damaged:
        await two.move()
    assert damaged.value.code is ErrorCode.SOURCE_IMAGE_MISSING
    assert ((await _only()).moving, len(two.all_files())) == (None, 1)


async def test_copy_that_differs_is_not_taken_for_the_picture(two: Two) -> None:
    kept = await two.pictures().keep(_OWNER, _CAR)

    async def damaging(place: str) -> None:
        if place == "put!":
            (copy,) = files(two.far)
            (two.far.root / copy).write_bytes(_CAR[:-1])

    with pytest.raises(AppError, match="differs"):
        await two.move(damaging)
    assert ((await _only()).key, await two.pictures().read(kept)) == (kept.key, _CAR)
    assert await two.move() is Outcome.MOVED  # under another key
    await two.settle()
    assert two.all_files() == {(_FAR, (await _only()).key)}


async def test_what_was_left_in_a_store_that_is_not_set_up_waits_for_it(two: Two) -> None:
    await two.pictures().keep(_OWNER, _CAR)
    await two.move()
    await age_places()
    alone = Pictures(GatedStore(two.far, title=_FAR))
    await alone.sweep(everything, _GRACE_S)
    assert len((await _only()).left) == 1
    await two.settle()
    assert (await _only()).left == ()


@pytest.mark.timeout(600)  # as in test_sweep_races
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, 4), max_size=30), grace_s=st.sampled_from([0, 60]))
@example(order=[0] * 30, grace_s=60)
@example(order=[2] * 12 + [0] * 18, grace_s=0)
async def test_no_order_of_moves_sweeps_and_uploads_loses_bytes_or_leaves_any(
    two: Two, order: list[int], grace_s: int
) -> None:
    """With no grace at all a sweep is as rude as one may be; with some, what was kept has to stay."""
    conductor = Conductor()
    await Picture.rows().delete_many({})
    for disk in two:  # a failed example leaves some
        await asyncio.to_thread(shutil.rmtree, disk.root, ignore_errors=True)
    kept = await two.pictures().keep(_OWNER, _CAR)
    await age()

    async def looking(_: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        await conductor.gate("looking")
        return {kept.identity} if grace_s else set()

    async def moved(*, back: bool) -> object:
        found = await Picture.by_ids([kept.identity])
        stores = two.pictures(conductor.gate).stores
        target = tuple(stores)[0 if back else 1]
        picture = found.get(kept.identity)
        return picture and picture.store != target.name and await moves.move(stores, picture, target)

    parts = [
        moved(back=False),
        moved(back=False),
        moved(back=True),
        two.pictures(conductor.gate).keep(_OWNER, _CAR),
        two.pictures(conductor.gate).sweep(looking, grace_s),
    ]
    await conductor.play(parts, order)
    await _consistent(two)
    if grace_s:
        (found,) = (await Picture.by_ids([kept.identity])).values()
        assert await two.pictures().read(found) == _CAR
    await Picture.let_go([kept.identity])
    await two.settle(referenced=False)
    assert (await Picture.count(), two.all_files()) == (0, set())


async def test_pictures_that_left_a_store_which_is_gone_do_not_hold_up_the_others(two: Two) -> None:
    pictures = two.pictures()
    near, far = pictures.stores
    for number in range(4):
        kept = await Pictures(far).keep(_OWNER, _CAR + bytes([number]))
        await moves.move(pictures.stores, kept, near)
    await age()
    alone = Pictures(near)
    await alone.keep(_OWNER, _CAR)
    await age()
    assert (await alone.sweep(nothing, _GRACE_S)).deleted == 1
    assert await Picture.find({"state": PictureState.DELETING}).count() == 4, "nobody forgets where their bytes lie"
