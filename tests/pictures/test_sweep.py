import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.model import Picture, PictureState
from app.pictures.sweep import SweepReport
from tests.pictures.conftest import GatedStore, KilledError, age, everything, files, killed_at, nothing, state_of

_PHOTOS = Path(__file__).parent.parent / "photos"
_CAR = (_PHOTOS / "car-1.jpg").read_bytes()
_TIGER = (_PHOTOS / "animal-1.jpg").read_bytes()
_OWNER = PydanticObjectId()
_GRACE_S = 60
_NOTHING_DONE = SweepReport(checked=0, held=0, deleted=0)


async def test_untouched_picture_that_nothing_refers_to_goes_with_its_bytes(
    pictures: Pictures, disk: DiskStore
) -> None:
    await pictures.keep(_OWNER, _CAR)
    await age()
    assert await pictures.sweep(nothing, _GRACE_S) == SweepReport(checked=1, held=0, deleted=1)
    assert (await Picture.count(), files(disk)) == (0, set())


async def test_picture_is_left_alone_for_the_grace_period(pictures: Pictures) -> None:
    kept = await pictures.keep(_OWNER, _CAR)
    assert await pictures.sweep(nothing, _GRACE_S) == _NOTHING_DONE
    assert await state_of(kept) is PictureState.LOOSE


async def test_picture_in_use_is_held_and_not_looked_at_again(pictures: Pictures) -> None:
    kept = await pictures.keep(_OWNER, _CAR)
    await age()
    assert await pictures.sweep(everything, _GRACE_S) == SweepReport(checked=1, held=1, deleted=0)
    assert await pictures.sweep(nothing, _GRACE_S) == _NOTHING_DONE
    assert await pictures.read(kept) == _CAR


async def test_only_those_in_use_stay(pictures: Pictures) -> None:
    used, unused = [await pictures.keep(_OWNER, data) for data in (_CAR, _TIGER)]
    await age()

    async def referenced(_: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        return {used.identity, PydanticObjectId()}

    assert await pictures.sweep(referenced, _GRACE_S) == SweepReport(checked=2, held=1, deleted=1)
    assert (await state_of(used), await state_of(unused)) == (PictureState.HELD, None)


async def test_sweep_looks_at_so_many_at_most_longest_untouched_first(pictures: Pictures) -> None:
    old, newer = [await pictures.keep(_OWNER, data) for data in (_CAR, _TIGER)]
    await age()
    await Picture.rows().update_one({"_id": newer.identity}, {"$set": {"touchedAt": newer.created_at.replace(2021)}})
    assert await pictures.sweep(nothing, _GRACE_S, limit=1) == SweepReport(checked=1, held=0, deleted=1)
    assert await state_of(old) is None
    assert await state_of(newer) is PictureState.LOOSE


async def test_picture_of_another_store_is_left_alone(pictures: Pictures) -> None:
    kept = await pictures.keep(_OWNER, _CAR)
    await age()
    await Picture.rows().update_one({}, {"$set": {"store": "cloudinary"}})
    assert await pictures.sweep(nothing, _GRACE_S) == _NOTHING_DONE
    assert await state_of(kept) is PictureState.LOOSE


async def test_keeping_or_using_a_picture_again_spares_it(pictures: Pictures) -> None:
    kept = await pictures.keep(_OWNER, _CAR)
    for use in (pictures.keep(_OWNER, _CAR), pictures.owned(_OWNER, kept.identity)):
        await age()
        assert (await use).identity == kept.identity
        assert await pictures.sweep(nothing, _GRACE_S) == _NOTHING_DONE


async def test_stranger_who_asks_for_a_picture_does_not_spare_it(pictures: Pictures) -> None:
    kept = await pictures.keep(_OWNER, _CAR)
    await age()
    with pytest.raises(AppError) as refused:
        await pictures.owned(PydanticObjectId(), kept.identity)
    assert refused.value.code is ErrorCode.FORBIDDEN
    assert (await pictures.sweep(nothing, _GRACE_S)).deleted == 1


async def test_held_picture_that_is_let_go_is_looked_at_after_the_grace_period(pictures: Pictures) -> None:
    kept = await pictures.keep(_OWNER, _CAR)
    await age()
    await pictures.sweep(everything, _GRACE_S)
    await Picture.let_go([kept.identity])
    assert await state_of(kept) is PictureState.LOOSE
    assert await pictures.sweep(nothing, _GRACE_S) == _NOTHING_DONE
    await age()
    assert (await pictures.sweep(nothing, _GRACE_S)).deleted == 1


async def test_picture_let_go_while_a_sweep_looks_is_not_held(pictures: Pictures) -> None:
    kept = await pictures.keep(_OWNER, _CAR)
    await age()

    async def then_let_go(ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        await Picture.let_go(ids)
        return set(ids)

    assert await pictures.sweep(then_let_go, _GRACE_S) == SweepReport(checked=1, held=0, deleted=0)
    assert await state_of(kept) is PictureState.LOOSE


@pytest.mark.parametrize("again", ["keep", "owned"])
async def test_picture_used_while_a_sweep_looks_is_not_deleted(pictures: Pictures, again: str) -> None:
    kept = await pictures.keep(_OWNER, _CAR)
    await age()

    async def then_use(_: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        await (pictures.keep(_OWNER, _CAR) if again == "keep" else pictures.owned(_OWNER, kept.identity))
        return set()

    assert await pictures.sweep(then_use, _GRACE_S) == SweepReport(checked=1, held=0, deleted=0)
    assert await pictures.read(kept) == _CAR


async def test_many_sweepers_at_once_delete_once(disk: DiskStore) -> None:
    stores = [GatedStore(disk) for _ in range(5)]
    for data in (_CAR, _TIGER):
        await Pictures(disk).keep(_OWNER, data)
    await age()
    reports = await asyncio.gather(*(Pictures(store).sweep(nothing, _GRACE_S) for store in stores))
    assert sum(report.deleted for report in reports) == 2
    assert sum(len(store.deleted) for store in stores) == 2
    assert (await Picture.count(), files(disk)) == (0, set())


async def test_picture_being_deleted_is_gone_for_all_others(disk: DiskStore) -> None:
    pictures = Pictures(GatedStore(disk, killed_at("delete?")))
    kept = await pictures.keep(_OWNER, _CAR)
    await age()
    with pytest.raises(KilledError):
        await pictures.sweep(nothing, _GRACE_S)
    with pytest.raises(AppError) as missing:
        await pictures.owned(_OWNER, kept.identity)
    assert missing.value.code is ErrorCode.NOT_FOUND
    assert await Picture.by_ids([kept.identity]) == {}
    await Picture.let_go([kept.identity])
    assert await state_of(kept) is PictureState.DELETING


async def test_picture_is_spared_before_its_bytes_are_stored_again(disk: DiskStore) -> None:
    async def gate(place: str) -> None:
        if place == "put?":
            assert await Pictures(disk).sweep(nothing, _GRACE_S) == _NOTHING_DONE

    first = await Pictures(disk).keep(_OWNER, _CAR)
    await age()
    assert (await Pictures(GatedStore(disk, gate)).keep(_OWNER, _CAR)).identity == first.identity


async def test_same_bytes_are_kept_anew_while_they_are_being_deleted(disk: DiskStore) -> None:
    """The deletion may be held up for as long as it likes: it takes nothing from the newer picture."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def gate(place: str) -> None:
        if place == "delete?":
            reached.set()
            await go_on.wait()

    slow, others = Pictures(GatedStore(disk, gate)), Pictures(disk)
    first = await others.keep(_OWNER, _CAR)
    await age()
    held_up = asyncio.create_task(slow.sweep(nothing, _GRACE_S))
    await reached.wait()
    second = await others.keep(_OWNER, _CAR)
    await Picture.rows().update_one({"_id": first.identity}, {"$set": {"touchedAt": first.created_at.replace(2020)}})
    assert (await others.sweep(nothing, _GRACE_S)).deleted == 1
    go_on.set()
    assert (await held_up).deleted == 0
    assert second.identity != first.identity
    assert await others.read(second) == _CAR
    assert await state_of(second) is PictureState.LOOSE


async def test_same_bytes_can_be_kept_again_after_a_deletion(pictures: Pictures, disk: DiskStore) -> None:
    first = await pictures.keep(_OWNER, _CAR)
    await age()
    await pictures.sweep(nothing, _GRACE_S)
    second = await pictures.keep(_OWNER, _CAR)
    assert second.identity != first.identity
    assert await pictures.read(second) == _CAR
    assert files(disk) == {f"pictures/{second.key}"}


async def test_more_pictures_than_one_command_may_name_are_let_go(pictures: Pictures) -> None:
    kept = await pictures.keep(_OWNER, _CAR)
    await age()
    await Picture.hold([kept.identity], await Picture.database_time())
    await Picture.let_go([*(PydanticObjectId() for _ in range(1_000)), kept.identity])
    assert await state_of(kept) is PictureState.LOOSE
