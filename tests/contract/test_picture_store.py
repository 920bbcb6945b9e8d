"""What every picture store promises: the disk, Cloudinary over its wire format, and Cloudinary with copies here.

Cloudinary is played twice: by a stand-in of our own for this test, which stops calls before they are done, and by the
simulator that users may run, which stops them when they are done and not yet answered.
"""

import asyncio
import gc
import hashlib
import io
from collections.abc import AsyncIterator, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import httpx2
import pytest
from beanie import PydanticObjectId
from PIL import Image
from starlette.applications import Starlette

from app.api.media import media_route
from app.errors import AppError, ErrorCode
from app.pictures.cloudinary.account import Account
from app.pictures.cloudinary.store import CloudinaryStore
from app.pictures.copies import Copies
from app.pictures.disk import DiskStore
from app.pictures.links import MediaLinks
from app.pictures.nearby import Nearby
from app.pictures.store import PictureStore
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.pictures.cloudinary_standin import Standin, serve

_PHOTOS = Path(__file__).parent.parent / "photos"
_CAR, _TIGER = ((_PHOTOS / name).read_bytes() for name in ("car-1.jpg", "animal-1.jpg"))
_KEY = f"{'a' * 24}/{hashlib.sha256(_CAR).hexdigest()}-{'c' * 24}.jpg"
_FOREIGN = ["", "a/b.jpg", "../../etc/passwd", f"{_KEY}/..", f"{_KEY}?x", _KEY.replace(".jpg", ".exe"), _KEY.upper()]


class Shop(Protocol):
    """A store, and whoever fetches from its links."""

    @property
    def store(self) -> PictureStore: ...

    def http(self) -> httpx2.AsyncClient: ...

    def hold(self) -> None:
        """From now on a `put` stops in the middle, where the store has one."""
        ...

    async def put_under_way(self) -> None:
        """Return when a `put` that has begun is in the middle."""
        ...

    async def put_is_over(self) -> None:
        """Return when nothing of a cancelled `put` goes on; none is held any more."""
        ...


class OnDisk:
    """Links are paths on this server."""

    def __init__(self, folder: Path) -> None:
        self.store = DiskStore(folder, MediaLinks(b"k" * 32))
        self._threads = self._new_threads()

    def _new_threads(self) -> ThreadPoolExecutor:
        threads = ThreadPoolExecutor()
        asyncio.get_running_loop().set_default_executor(threads)
        return threads

    def http(self) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(Starlette(routes=[media_route(self.store)]))
        return httpx2.AsyncClient(transport=transport, base_url="http://regen.test")

    def hold(self) -> None:
        """A disk waits for nobody."""

    async def put_under_way(self) -> None:
        await asyncio.sleep(0)  # the thread has its work

    async def put_is_over(self) -> None:
        threads, self._threads = self._threads, self._new_threads()
        threads.shutdown()  # waits for what runs in them


class InCloudinary:
    """Links are URLs of the stand-in."""

    def __init__(self, standin: Standin, store: PictureStore) -> None:
        self.standin, self.store = standin, store

    def http(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient()

    def hold(self) -> None:
        self.standin.holds = True

    async def put_under_way(self) -> None:
        assert await asyncio.to_thread(self.standin.held.wait, 10)

    async def put_is_over(self) -> None:
        assert await asyncio.to_thread(self.standin.disconnected.wait, 10)
        self.standin.holds = False


class InSimulator:
    """Links are URLs of the simulator."""

    def __init__(self, simulator: Simulator, store: PictureStore) -> None:
        self.simulator, self.store = simulator, store

    def http(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient()

    def hold(self) -> None:
        self.simulator.hold()

    async def put_under_way(self) -> None:
        await self.simulator.until(lambda seen: seen.in_flight == 1)

    async def put_is_over(self) -> None:
        await self.simulator.until(lambda seen: seen.in_flight == 0)
        self.simulator.release()


@pytest.fixture(scope="module")
def cloudinary() -> Generator[Standin]:
    with serve() as standin:
        yield standin


@pytest.fixture(scope="module")
def simulator() -> Generator[Simulator]:
    with simulated_providers() as running:
        yield running


@pytest.fixture(params=["disk", "cloudinary", "cloudinary with copies", "simulator"])
async def shop(
    request: pytest.FixtureRequest, tmp_path: Path, cloudinary: Standin, simulator: Simulator
) -> AsyncIterator[Shop]:
    if request.param == "disk":
        yield OnDisk(tmp_path)
        return
    cloudinary.clear()
    url = simulator.url if request.param == "simulator" else cloudinary.url
    # A cloud of its own, for the simulator keeps what the test before has put there.
    account = simulator.cloudinary_url(cloud=uuid4().hex) if request.param == "simulator" else cloudinary.account
    store = CloudinaryStore(Account.parse(account, url, url), 10)
    match request.param:
        case "cloudinary":
            yield InCloudinary(cloudinary, store)
        case "simulator":
            yield InSimulator(simulator, store)
        case _:
            yield InCloudinary(cloudinary, Nearby(store, Copies(tmp_path, 10_000_000)))
    await store.close()


async def _is_missing(store: PictureStore, version: str | None = None) -> bool:
    try:
        await store.open(_KEY, version)
    except AppError as error:
        return error.code is ErrorCode.SOURCE_IMAGE_MISSING
    return False


async def test_what_is_put_is_read_back_with_its_version_and_without(shop: Shop) -> None:
    version = await shop.store.put(_KEY, _CAR, "image/jpeg")
    assert await shop.store.open(_KEY, version) == _CAR
    assert await shop.store.open(_KEY) == _CAR


async def test_same_key_twice_is_written_once_even_at_once(shop: Shop) -> None:
    first = await shop.store.put(_KEY, _CAR, "image/jpeg")
    again = await asyncio.gather(*(shop.store.put(_KEY, _TIGER, "image/jpeg") for _ in range(4)))
    assert set(again) == {first}
    assert await shop.store.open(_KEY, first) == _CAR


async def test_same_picture_may_be_stored_by_several_at_once(shop: Shop) -> None:
    versions = await asyncio.gather(*(shop.store.put(_KEY, _CAR, "image/jpeg") for _ in range(4)))
    assert [await shop.store.open(_KEY, version) for version in versions] == [_CAR] * 4


async def test_missing_picture_is_said_to_be_missing(shop: Shop) -> None:
    assert await _is_missing(shop.store)


async def test_deleted_picture_is_gone_and_deleting_it_again_is_harmless(shop: Shop) -> None:
    version = await shop.store.put(_KEY, _CAR, "image/jpeg")
    await asyncio.gather(*(shop.store.delete(_KEY) for _ in range(3)))
    await shop.store.delete(_KEY)
    assert await _is_missing(shop.store, version)


async def test_clearing_what_an_owner_has_left_is_harmless_and_takes_nothing_that_is_there(shop: Shop) -> None:
    owner_id = PydanticObjectId(_KEY.partition("/")[0])
    await shop.store.clear(owner_id)
    await shop.store.put(_KEY, _CAR, "image/jpeg")
    await shop.store.clear(owner_id)
    assert await shop.store.open(_KEY) == _CAR
    await shop.store.delete(_KEY)
    for _ in range(2):
        await shop.store.clear(owner_id)
    await shop.store.put(_KEY, _CAR, "image/jpeg")
    assert await shop.store.open(_KEY) == _CAR


async def test_deleted_picture_can_be_put_again(shop: Shop) -> None:
    await shop.store.put(_KEY, _CAR, "image/jpeg")
    await shop.store.delete(_KEY)
    version = await shop.store.put(_KEY, _CAR, "image/jpeg")
    assert await shop.store.open(_KEY, version) == _CAR


async def test_link_serves_the_stored_bytes_unchanged(shop: Shop) -> None:
    version = await shop.store.put(_KEY, _CAR, "image/jpeg")
    async with shop.http() as http:
        response = await http.get(shop.store.url(_KEY, None, version))
    assert (response.status_code, response.content) == (200, _CAR)
    assert response.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(("asked", "width"), [(1, 64), (100, 128), (400, 400), (3_000, 480)])
async def test_link_serves_the_next_width_but_never_a_larger_picture(shop: Shop, asked: int, width: int) -> None:
    version = await shop.store.put(_KEY, _CAR, "image/jpeg")
    async with shop.http() as http:
        response = await http.get(shop.store.url(_KEY, asked, version), headers={"accept": "image/webp,*/*"})
    with Image.open(io.BytesIO(response.content)) as image:
        assert (image.width, image.format) == (width, "WEBP")


async def test_changed_link_is_refused(shop: Shop) -> None:
    version = await shop.store.put(_KEY, _CAR, "image/jpeg")
    link = shop.store.url(_KEY, 64, version)
    async with shop.http() as http:
        changed = [await http.get(link.replace(old, new)) for old, new in (("w=64", "w=128"), ("w_64", "w_128"))]
    assert sorted(response.status_code for response in changed) in ([200, 401], [200, 403])


@pytest.mark.parametrize("key", _FOREIGN)
async def test_key_that_is_none_is_refused_everywhere(shop: Shop, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await shop.store.put(key, _CAR, "image/jpeg")
    with pytest.raises(ValueError, match="not a key"):
        await shop.store.open(key)
    with pytest.raises(ValueError, match="not a key"):
        shop.store.url(key, None)
    with pytest.raises(ValueError, match="not a key"):
        await shop.store.delete(key)


async def test_cancelled_put_ends_leaves_no_task_and_can_be_repeated(shop: Shop) -> None:
    before = asyncio.all_tasks()
    shop.hold()
    putting = asyncio.create_task(shop.store.put(_KEY, _CAR, "image/jpeg"))
    await shop.put_under_way()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await shop.put_is_over()
    assert asyncio.all_tasks() == before
    gc.collect()  # a connection that was left open would warn now
    version = await shop.store.put(_KEY, _CAR, "image/jpeg")
    assert await shop.store.open(_KEY, version) == _CAR


async def test_cancelled_put_keeps_all_of_the_picture_or_nothing(shop: Shop) -> None:
    shop.hold()
    putting = asyncio.create_task(shop.store.put(_KEY, _CAR, "image/jpeg"))
    await shop.put_under_way()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await shop.put_is_over()
    assert await _is_missing(shop.store) or await shop.store.open(_KEY) == _CAR


async def test_tidying_takes_nothing_that_is_whole(shop: Shop) -> None:
    version = await shop.store.put(_KEY, _CAR, "image/jpeg")
    await asyncio.gather(*(shop.store.tidy(0) for _ in range(3)))
    assert await shop.store.open(_KEY, version) == _CAR


async def test_name_tells_the_kind_and_the_cloud(shop: Shop) -> None:
    kind, _, cloud = shop.store.name.partition(":")
    assert (kind == "cloudinary") is bool(cloud)
    assert kind in {"disk", "cloudinary"}
