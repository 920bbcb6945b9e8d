import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from app.errors import AppError, ErrorCode
from app.pictures.disk import DiskStore
from app.pictures.links import WIDTHS_PX, MediaLinks

_PHOTOS = Path(__file__).parent.parent / "photos"
_KEY = f"{'a' * 24}/{'b' * 64}.jpg"
_NOW = datetime(2026, 11, 20, 10, 59, 59, tzinfo=UTC)


def _links(now: datetime = _NOW, key: bytes = b"k" * 32) -> MediaLinks:
    return MediaLinks(key, now.timestamp)


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path, _links())


def _parts(url: str) -> tuple[str, int, int, str]:
    split = urlsplit(url)
    query = parse_qs(split.query)
    return split.path, int(query["w"][0]), int(query["e"][0]), query["s"][0]


async def test_what_is_put_is_read_back_and_written_once(store: DiskStore) -> None:
    await asyncio.gather(*(store.put(_KEY, b"the picture", "image/jpeg") for _ in range(8)))
    await store.put(_KEY, b"something else", "image/jpeg")
    assert await store.open(_KEY) == b"the picture"
    assert [path.name for path in (store.root / "pictures").rglob("*") if path.is_file()] == [Path(_KEY).name]


async def test_full_disk_is_said_and_leaves_no_part_behind(store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(AppError) as refused:
        await store.put(_KEY, b"the picture", "image/jpeg")
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.UNAVAILABLE, True)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


async def test_lost_picture_is_a_failure_with_what_to_do(store: DiskStore) -> None:
    with pytest.raises(AppError) as lost:
        await store.open(_KEY)
    assert lost.value.code is ErrorCode.SOURCE_IMAGE_MISSING


async def test_rendition_is_made_once_and_goes_with_its_picture(store: DiskStore) -> None:
    await store.put(_KEY, (_PHOTOS / "car-1.jpg").read_bytes(), "image/jpeg")
    made = await store.file(_KEY, 128)
    assert made is not None
    assert made.read_bytes()[8:12] == b"WEBP"
    assert await store.file(_KEY, 128) == made
    await store.delete(_KEY)
    await store.delete(_KEY)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
    assert await store.file(_KEY, 128) is None


async def test_new_keys_end_in_the_pictures_id(store: DiskStore) -> None:
    key = f"{'a' * 24}/{'b' * 64}-{'c' * 24}.png"
    await store.put(key, b"the picture", "image/png")
    assert await store.open(key) == b"the picture"


async def test_rendition_asked_for_while_its_picture_is_deleted_leaves_nothing(store: DiskStore) -> None:
    original = store.root / "pictures" / _KEY
    original.parent.mkdir(parents=True)
    os.mkfifo(original)  # whoever reads it waits for the bytes
    asked = asyncio.create_task(store.file(_KEY, 64))
    with await asyncio.to_thread(original.open, "wb") as writer:
        await store.delete(_KEY)
        await asyncio.to_thread(writer.write, (_PHOTOS / "car-1.jpg").read_bytes())
    assert await asked is None
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


async def test_disk_that_refuses_to_delete_is_said(store: DiskStore) -> None:
    (store.root / "pictures" / _KEY).mkdir(parents=True)  # no file: even the superuser cannot unlink it
    with pytest.raises(AppError) as refused:
        await store.delete(_KEY)
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.UNAVAILABLE, True)


async def test_only_what_is_old_and_unfinished_is_tidied_away(store: DiskStore) -> None:
    await store.tidy(0)
    await store.put(_KEY, b"the picture", "image/jpeg")
    part = store.root / "unfinished" / "x.part"
    part.write_bytes(b"half a")
    await store.tidy(60)
    assert part.exists()
    await asyncio.gather(*(store.tidy(0) for _ in range(4)))
    assert not part.exists()
    assert await store.open(_KEY) == b"the picture"


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/b.jpg", f"{'a' * 24}/{'b' * 64}.exe", f"{_KEY}/..", ""])
async def test_key_that_is_none_never_becomes_a_path(store: DiskStore, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await store.open(key)


def test_link_is_good_for_one_to_two_hours_and_the_same_within_the_hour() -> None:
    early, late = _links(_NOW.replace(minute=0)), _links(_NOW)
    assert early.sign("/media/x", None) == late.sign("/media/x", None)
    assert _links(_NOW + timedelta(seconds=1)).sign("/media/x", None) != late.sign("/media/x", None)
    path, width, expires, signature = _parts(late.sign("/media/x", None))
    assert late.remaining_s(path, width, expires, signature) == 3601
    after = _links(_NOW + timedelta(seconds=3601))
    assert after.remaining_s(path, width, expires, signature) == 0


def test_any_change_breaks_the_signature() -> None:
    path, width, expires, signature = _parts(_links().sign("/media/x", 400))
    assert _links().remaining_s("/media/y", width, expires, signature) is None
    assert _links().remaining_s(path, 512, expires, signature) is None
    assert _links().remaining_s(path, width, expires + 3600, signature) is None
    assert _links().remaining_s(path, width, expires, "é" * 40) is None
    assert _links(key=b"another key").remaining_s(path, width, expires, signature) is None


@pytest.mark.parametrize(("asked", "made"), [(None, 0), (1, 64), (64, 64), (65, 128), (3072, 3072), (5000, 0)])
def test_width_is_the_next_step(asked: int | None, made: int) -> None:
    assert _parts(_links().sign("/media/x", asked))[1] == made
    assert list(WIDTHS_PX) == sorted(WIDTHS_PX)
