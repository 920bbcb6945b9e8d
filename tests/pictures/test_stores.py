"""Several stores at once: every picture is looked for in its own."""

from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.errors import AppError, ErrorCode
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture
from app.pictures.store import PictureStore
from app.pictures.stores import Stores
from app.pictures.sweep import SweepReport
from tests.indexed import point_at
from tests.pictures.conftest import GatedStore, age, files, nothing

_PHOTOS = Path(__file__).parent.parent / "photos"
_CAR, _TIGER = ((_PHOTOS / name).read_bytes() for name in ("car-1.jpg", "animal-1.jpg"))
_OWNER = PydanticObjectId()
_FAR = "cloudinary:shop"


@pytest.fixture
async def near(database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> DiskStore:
    await point_at(database, [Picture])
    return DiskStore(tmp_path / "near", MediaLinks(b"k" * 32))


@pytest.fixture
def far_disk(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "far", MediaLinks(b"f" * 32))


@pytest.fixture
def far(far_disk: DiskStore) -> PictureStore:
    return GatedStore(far_disk, title=_FAR)


async def test_new_pictures_go_to_the_chosen_store(near: DiskStore, far: PictureStore, far_disk: DiskStore) -> None:
    picture = await Pictures(far, (near,)).keep(_OWNER, _CAR)
    assert picture.store == _FAR
    assert (files(near), files(far_disk)) == (set(), {f"pictures/{picture.key}"})


async def test_each_picture_is_read_and_linked_from_its_own_store(near: DiskStore, far: PictureStore) -> None:
    old = await Pictures(near).keep(_OWNER, _CAR)
    pictures = Pictures(far, (near,))
    new = await pictures.keep(_OWNER, _TIGER)
    assert [await pictures.read(one) for one in (old, new)] == [_CAR, _TIGER]
    assert pictures.url(old, 100) == near.url(old.key, 100)
    assert pictures.url(new, 100) == far.url(new.key, 100)


async def test_sweep_goes_through_every_store_that_is_set_up(
    near: DiskStore, far: PictureStore, far_disk: DiskStore
) -> None:
    await Pictures(near).keep(_OWNER, _CAR)
    pictures = Pictures(far, (near,))
    await pictures.keep(_OWNER, _TIGER)
    await age()
    assert await pictures.sweep(nothing, 60) == SweepReport(checked=2, held=0, deleted=2)
    assert (files(near), files(far_disk)) == (set(), set())


async def test_pictures_of_a_store_that_is_not_set_up_are_left_alone(near: DiskStore, far: PictureStore) -> None:
    await Pictures(far).keep(_OWNER, _CAR)
    await age()
    assert await Pictures(near).sweep(nothing, 60) == SweepReport(checked=0, held=0, deleted=0)
    assert await Picture.count() == 1


async def test_store_that_is_away_does_not_keep_the_others_from_being_swept(
    near: DiskStore, far_disk: DiskStore
) -> None:
    asked = 0

    async def away(place: str) -> None:
        nonlocal asked
        if place in {"delete?", "tidy?"}:
            asked += place == "delete?"
            raise AppError(ErrorCode.TIMEOUT, "The store is away.", retryable=True)

    pictures = Pictures(GatedStore(far_disk, away, title=_FAR), (near,))
    for _ in range(8):
        await pictures.keep(PydanticObjectId(), _CAR)
    await Pictures(near).keep(_OWNER, _CAR)
    await age()
    assert (await pictures.sweep(nothing, 60)).deleted == 1
    assert asked == 3  # and no deadline for each of the others
    assert files(near) == set()


@pytest.mark.parametrize("ask", ["read", "url"])
async def test_store_that_is_not_set_up_is_said_with_the_setting(near: DiskStore, far: PictureStore, ask: str) -> None:
    elsewhere = await Pictures(far).keep(_OWNER, _CAR)
    with pytest.raises(AppError, match="set CLOUDINARY_URL to the account of the cloud shop") as error:
        await Pictures(near).read(elsewhere) if ask == "read" else Pictures(near).url(elsewhere, None)
    assert (error.value.code, error.value.retryable) == (ErrorCode.SOURCE_IMAGE_MISSING, False)


async def test_version_that_the_store_gives_is_kept_and_used(near: DiskStore, far_disk: DiskStore) -> None:
    class Versioned(GatedStore):
        async def put(self, key: str, data: bytes, media_type: str) -> str | None:
            await super().put(key, data, media_type)
            return "17"

        def url(self, key: str, width: int | None, version: str | None = None) -> str:
            return f"https://far.test/{version}/{key}?{width}"

    pictures = Pictures(Versioned(far_disk, title=_FAR), (near,))
    kept = await pictures.keep(_OWNER, _CAR)
    found = (await Picture.by_ids([kept.identity]))[kept.identity]
    assert (kept.version, found.version) == ("17", "17")
    assert pictures.url(found, 5) == f"https://far.test/17/{kept.key}?5"
    assert (await pictures.keep(_OWNER, _CAR)).identity == kept.identity


def test_unknown_kind_of_store_is_said_too(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="“tape”, which is not set up"):
        Stores(DiskStore(tmp_path, MediaLinks(b"k" * 32))).named("tape")
