"""An owner's pictures are erased wherever they lie, whoever stores, moves or sweeps them meanwhile."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.errors import AppError, ErrorCode
from app.pictures import moves
from app.pictures.cloudinary.account import Account
from app.pictures.cloudinary.store import CloudinaryStore
from app.pictures.copies import Copies
from app.pictures.disk import DiskStore
from app.pictures.erasing import PictureEraser
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture, PictureState
from app.pictures.nearby import Nearby
from app.simulator.thread import simulated_providers
from tests.faults.plant import small_photo
from tests.indexed import point_at
from tests.pictures.conftest import Gate, GatedStore, KilledError, age, files, killed_at, open_gate, state_of

_OWNER, _OTHER = PydanticObjectId(), PydanticObjectId()
_FAR = "cloudinary:shop"
_LATE_S = 60


@pytest.fixture
async def disks(database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> Sequence[DiskStore]:
    await point_at(database, [Picture])
    return [DiskStore(tmp_path / name, MediaLinks(b"k" * 32)) for name in ("near", "far")]


def _pictures(disks: Sequence[DiskStore], gate: Gate = open_gate) -> Pictures:
    near, far = disks
    return Pictures(GatedStore(near, gate), (GatedStore(far, gate, title=_FAR),))


async def _erase(pictures: Pictures, owner_id: PydanticObjectId = _OWNER) -> None:
    async for _ in PictureEraser(pictures.stores, _LATE_S).erase(owner_id):
        pass


def _names(disks: Sequence[DiskStore]) -> list[str]:
    """Every file and folder that names the owner."""
    found = [path.name for disk in disks for path in disk.root.rglob("*")]
    return [name for name in found if f"{_OWNER}" in name]


async def test_bytes_smaller_copies_folders_and_documents_go_and_others_stay(disks: Sequence[DiskStore]) -> None:
    pictures = _pictures(disks)
    kept = await pictures.accept(_OTHER, small_photo())
    mine = [await pictures.accept(_OWNER, small_photo(number)) for number in range(3)]
    for picture in (kept, *mine):
        assert await disks[0].file(picture.key, 64)
    await age()
    await _erase(pictures)
    assert [one.identity for one in await Picture.find_all().to_list()] == [kept.identity]
    assert _names(disks) == []
    assert len(files(disks[0])) == 2


async def test_what_refers_to_a_picture_does_not_save_it(disks: Sequence[DiskStore]) -> None:
    pictures = _pictures(disks)
    picture = await pictures.accept(_OWNER, small_photo())
    await age()
    await Picture.rows().update_one({"_id": picture.identity}, {"$set": {"state": PictureState.HELD}})
    await _erase(pictures)
    assert await Picture.count() == 0


async def test_picture_that_was_touched_just_now_is_unusable_at_once_and_gone_a_little_later(
    disks: Sequence[DiskStore],
) -> None:
    pictures = _pictures(disks)
    picture = await pictures.accept(_OWNER, small_photo())
    with pytest.raises(AppError, match="To be looked at again: 1") as later:
        await _erase(pictures)
    assert later.value.retryable
    assert files(disks[0]) == set()
    assert (await state_of(picture), await Picture.touch(picture.identity, _OWNER)) == (PictureState.DELETING, None)
    await disks[0].put(picture.key, b"a thread that nobody could stop", "image/jpeg")
    await age()
    await _erase(pictures)
    assert (await Picture.count(), _names(disks)) == (0, [])


@pytest.mark.parametrize("place", ["open?", "put?", "put!"])
async def test_move_that_was_cut_off_leaves_nothing_in_either_store(disks: Sequence[DiskStore], place: str) -> None:
    picture = await _pictures(disks).accept(_OWNER, small_photo())
    broken = _pictures(disks, killed_at(place))
    with pytest.raises(KilledError):
        await moves.move(broken.stores, picture, next(iter(broken.others)))
    await age()
    await _erase(_pictures(disks))
    assert (await Picture.count(), _names(disks)) == (0, [])


async def test_picture_that_was_moved_is_gone_from_where_it_lay_before(disks: Sequence[DiskStore]) -> None:
    pictures = _pictures(disks)
    picture = await pictures.accept(_OWNER, small_photo())
    await moves.move(pictures.stores, picture, next(iter(pictures.others)))
    assert [len(files(disk)) for disk in disks] == [1, 1]
    await age()
    await _erase(pictures)
    assert (await Picture.count(), _names(disks)) == (0, [])


async def test_move_under_way_takes_back_what_it_copied(disks: Sequence[DiskStore]) -> None:
    copied, go_on = asyncio.Event(), asyncio.Event()

    async def gate(place: str) -> None:
        if place == "put!":
            copied.set()
            await go_on.wait()

    picture = await _pictures(disks).accept(_OWNER, small_photo())
    slow = _pictures(disks, gate)
    moving = asyncio.create_task(moves.move(slow.stores, picture, next(iter(slow.others))))
    await copied.wait()
    await age()
    await _erase(_pictures(disks))
    go_on.set()
    assert await moving is moves.Outcome.OVERTAKEN
    assert await Picture.count() == 0
    assert [files(disk) for disk in disks] == [set(), set()]


async def test_store_that_is_away_keeps_the_document_and_is_asked_three_times(disks: Sequence[DiskStore]) -> None:
    asked = list[str]()

    async def gate(place: str) -> None:
        asked.append(place)
        raise AppError(ErrorCode.UNAVAILABLE, "The store is away.", retryable=True)

    for number in range(5):
        await _pictures(disks).accept(_OWNER, small_photo(number))
    await age()
    with pytest.raises(AppError, match="The store is away"):
        await _erase(_pictures(disks, gate))
    assert asked == ["delete?"] * 3
    assert await Picture.count() == 5
    await _erase(_pictures(disks))
    assert (await Picture.count(), _names(disks)) == (0, [])


async def test_pictures_of_a_store_that_is_not_set_up_stay_known_and_the_others_go(disks: Sequence[DiskStore]) -> None:
    pictures = _pictures(disks)
    first, second = [await pictures.accept(_OWNER, small_photo(number)) for number in range(2)]
    await moves.move(pictures.stores, first, next(iter(pictures.others)))
    await age()
    with pytest.raises(AppError, match="To be looked at again: 1"):
        await _erase(Pictures(disks[0]))
    assert [one.identity for one in await Picture.find_all().to_list()] == [first.identity]
    assert await state_of(second) is None
    await _erase(pictures)
    assert (await Picture.count(), _names(disks)) == (0, [])


async def test_more_than_a_page_is_read_page_by_page(disks: Sequence[DiskStore]) -> None:
    pictures = _pictures(disks)
    template = await pictures.accept(_OWNER, small_photo())
    keys = {one: f"{_OWNER}/{template.sha256}-{one}.jpg" for one in (PydanticObjectId() for _ in range(104))}
    more = [template.model_copy(update={"id": one, "key": key, "content": key}) for one, key in keys.items()]
    await Picture.insert_many(more)
    await age()
    eraser = PictureEraser(pictures.stores, _LATE_S)
    assert [count async for count in eraser.erase(_OWNER)] == [100, 5]


async def test_folder_that_somebody_writes_into_stays(disks: Sequence[DiskStore]) -> None:
    near = disks[0]
    picture = await _pictures(disks).accept(_OWNER, small_photo())
    await near.clear(_OWNER)
    assert await near.open(picture.key)


async def test_copies_on_this_machine_go_with_the_pictures_far_away(disks: Sequence[DiskStore], tmp_path: Path) -> None:
    copies = Copies(tmp_path / "nearby", 100_000_000)
    pictures = Pictures(Nearby(GatedStore(disks[1], title=_FAR), copies))
    picture = await pictures.accept(_OWNER, small_photo())
    assert copies.get(picture.sha256)
    await age()
    await _erase(pictures)
    assert copies.get(picture.sha256) is None
    assert (await Picture.count(), _names(disks)) == (0, [])


@pytest.mark.usefixtures("disks")
async def test_cloudinary_has_nothing_of_them_any_more() -> None:
    with simulated_providers() as simulator:
        account = Account.parse(simulator.cloudinary_url(cloud=uuid4().hex), simulator.url, simulator.url)
        store = CloudinaryStore(account, 10)
        pictures = Pictures(store)
        mine, others = [await pictures.accept(owner_id, small_photo()) for owner_id in (_OWNER, _OTHER)]
        await age()
        await _erase(pictures)
        with pytest.raises(AppError) as missing:
            await store.open(mine.key, mine.version)
        assert missing.value.code is ErrorCode.SOURCE_IMAGE_MISSING
        assert await pictures.read(others)
        assert [one.identity for one in await Picture.find_all().to_list()] == [others.identity]
        await store.close()
