import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.model import Picture, PictureState
from app.pictures.sweep import SweepReport
from tests.pictures.conftest import Gate, GatedStore, KilledError, age, files, killed_at, nothing, open_gate, state_of

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()
_OWNER = PydanticObjectId()
_GRACE_S = 60
_NOTHING_DONE = SweepReport(checked=0, held=0, deleted=0)


@pytest.mark.parametrize("place", ["put?", "put!"])
async def test_process_killed_while_keeping_leaves_nothing_after_a_sweep(disk: DiskStore, place: str) -> None:
    with pytest.raises(KilledError):
        await Pictures(GatedStore(disk, killed_at(place))).keep(_OWNER, _CAR)
    assert (await Picture.find_one() or pytest.fail("no document")).state is PictureState.LOOSE
    await age()
    assert (await Pictures(disk).sweep(nothing, _GRACE_S)).deleted == 1
    assert (await Picture.count(), files(disk)) == (0, set())


@pytest.mark.parametrize("place", ["tidy?", "tidy!", "looking", "delete?", "delete!"])
async def test_process_killed_while_sweeping_is_carried_on_by_the_next(disk: DiskStore, place: str) -> None:
    gate = killed_at(place)

    async def looking(_: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        await gate("looking")
        return set()

    await Pictures(disk).keep(_OWNER, _CAR)
    await age()
    with pytest.raises(KilledError):
        await Pictures(GatedStore(disk, gate)).sweep(looking, _GRACE_S)
    if place.startswith("delete"):  # it may be another sweeper that is still at it
        assert await Pictures(disk).sweep(nothing, _GRACE_S) == _NOTHING_DONE
    await age()
    assert (await Pictures(disk).sweep(nothing, _GRACE_S)).deleted == 1
    assert (await Picture.count(), files(disk)) == (0, set())


async def test_picture_that_the_store_cannot_delete_is_left_for_a_later_sweep(disk: DiskStore) -> None:
    async def away(place: str) -> None:
        if place in {"delete?", "tidy?"}:
            raise AppError(ErrorCode.UNAVAILABLE, "The store is away.", retryable=True)

    store = GatedStore(disk, away)
    kept = await Pictures(store).keep(_OWNER, _CAR)
    await age()
    assert await Pictures(store).sweep(nothing, _GRACE_S) == SweepReport(checked=1, held=0, deleted=0)
    assert await state_of(kept) is PictureState.DELETING
    await age()
    store.gate = open_gate
    assert await Pictures(store).sweep(nothing, _GRACE_S) == SweepReport(checked=0, held=0, deleted=1)
    assert (await Picture.count(), files(disk)) == (0, set())


def _refusing(code: ErrorCode) -> Gate:
    async def gate(place: str) -> None:
        if place == "put?":
            raise AppError(code, "The store can't.", retryable=True)

    return gate


async def test_full_store_leaves_no_document(disk: DiskStore) -> None:
    with pytest.raises(AppError) as refused:
        await Pictures(GatedStore(disk, _refusing(ErrorCode.UNAVAILABLE))).keep(_OWNER, _CAR)
    assert refused.value.code is ErrorCode.UNAVAILABLE
    assert await Picture.count() == 0


async def test_bytes_that_may_still_arrive_are_left_to_a_sweep(disk: DiskStore) -> None:
    with pytest.raises(AppError):
        await Pictures(GatedStore(disk, _refusing(ErrorCode.TIMEOUT))).keep(_OWNER, _CAR)
    assert await Picture.count() == 1


async def test_full_store_takes_no_picture_from_another_who_keeps_the_same_bytes(disk: DiskStore) -> None:
    others = Pictures(disk)

    async def full(place: str) -> None:
        if place == "put?":
            await others.keep(_OWNER, _CAR)
            raise AppError(ErrorCode.UNAVAILABLE, "The store is full.", retryable=True)

    with pytest.raises(AppError):
        await Pictures(GatedStore(disk, full)).keep(_OWNER, _CAR)
    (left,) = await Picture.find_all().to_list()
    assert (left.state, await others.read(left)) == (PictureState.LOOSE, _CAR)


@pytest.mark.parametrize("place", ["put?", "put!"])
async def test_picture_swept_while_it_is_being_stored_is_stored_anew(disk: DiskStore, place: str) -> None:
    others, swept = Pictures(disk), list[SweepReport]()

    async def asleep(here: str) -> None:
        if here == place and not swept:
            await age()
            swept.append(await others.sweep(nothing, _GRACE_S))

    kept = await Pictures(GatedStore(disk, asleep)).keep(_OWNER, _CAR)
    assert [report.deleted for report in swept] == [1]
    assert await others.read(kept) == _CAR
    assert files(disk) == {f"pictures/{kept.key}"}


async def test_sweep_that_always_comes_first_is_said_and_leaves_nothing(disk: DiskStore) -> None:
    async def asleep(here: str) -> None:
        if here == "put?":
            await age()
            await Pictures(disk).sweep(nothing, _GRACE_S)

    with pytest.raises(AppError) as refused:
        await Pictures(GatedStore(disk, asleep)).keep(_OWNER, _CAR)
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.UNAVAILABLE, True)
    assert (await Picture.count(), files(disk)) == (0, set())


async def test_file_that_a_kill_left_half_written_goes_after_the_grace_period(
    pictures: Pictures, disk: DiskStore
) -> None:
    folder = disk.root / "unfinished"
    folder.mkdir(parents=True)
    for name, age_s in (("old.part", 2 * _GRACE_S), ("young.part", 0)):
        (folder / name).write_bytes(_CAR[:1_000])
        begun = time.time() - age_s
        os.utime(folder / name, (begun, begun))
    await pictures.sweep(nothing, _GRACE_S)
    assert files(disk) == {"unfinished/young.part"}
