"""Copies on this machine of what lies far away: bounded, checked, shared by processes, never missed."""

import hashlib
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.pictures.copies import Copies
from app.pictures.nearby import Nearby

_MB = 1_000_000
_ROOT = Path(__file__).parent.parent.parent


def _bytes(number: int, size: int = _MB) -> bytes:
    return hashlib.shake_128(b"%d" % number).digest(size)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _key(data: bytes) -> str:
    return f"{'a' * 24}/{_sha256(data)}-{'c' * 24}.jpg"


def _total(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@dataclass
class FarStore:
    """Far away: it counts what it is asked for."""

    kept: dict[str, bytes] = field(default_factory=dict[str, bytes])
    asked: Counter[str] = field(default_factory=Counter[str])
    name: str = "far"

    async def put(self, key: str, data: bytes, media_type: str) -> str | None:
        self.asked[f"put {media_type}"] += 1
        self.kept.setdefault(key, data)
        return "17"

    async def open(self, key: str, version: str | None = None) -> bytes:
        self.asked[f"open {version}"] += 1
        if key not in self.kept:
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "Gone.")
        return self.kept[key]

    def url(self, key: str, width: int | None, version: str | None = None) -> str:
        return f"https://far.test/{key}?{width}&{version}"

    async def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    async def clear(self, owner_id: PydanticObjectId) -> None:
        self.asked[f"clear {owner_id}"] += 1

    async def tidy(self, older_than_s: float) -> None:
        self.asked[f"tidy {older_than_s:g}"] += 1


@pytest.fixture
def far() -> FarStore:
    return FarStore()


@pytest.fixture
def nearby(far: FarStore, tmp_path: Path) -> Nearby:
    return Nearby(far, Copies(tmp_path / "nearby", 8 * _MB))


async def test_what_was_stored_here_is_not_fetched(far: FarStore, nearby: Nearby) -> None:
    data = _bytes(1)
    assert await nearby.put(_key(data), data, "image/jpeg") == "17"
    assert await nearby.open(_key(data), "17") == data
    assert far.asked == {"put image/jpeg": 1}


async def test_what_was_fetched_once_is_not_fetched_again(far: FarStore, nearby: Nearby) -> None:
    data = _bytes(1)
    far.kept[_key(data)] = data
    assert [await nearby.open(_key(data), "17") for _ in range(3)] == [data] * 3
    assert far.asked == {"open 17": 1}


async def test_damaged_copy_is_dropped_and_fetched_again(far: FarStore, nearby: Nearby, tmp_path: Path) -> None:
    data = _bytes(1)
    await nearby.put(_key(data), data, "image/jpeg")
    (copy,) = [path for path in (tmp_path / "nearby").rglob("*") if path.is_file()]
    copy.write_bytes(data[:-1])
    assert await nearby.open(_key(data), "17") == data
    assert await nearby.open(_key(data), "17") == data
    assert far.asked["open 17"] == 1


async def test_deleted_picture_is_not_read_from_its_copy(nearby: Nearby, tmp_path: Path) -> None:
    data = _bytes(1)
    await nearby.put(_key(data), data, "image/jpeg")
    await nearby.delete(_key(data))
    with pytest.raises(AppError):
        await nearby.open(_key(data))
    assert _total(tmp_path) == 0


async def test_name_links_and_tidying_are_the_stores_own(far: FarStore, nearby: Nearby) -> None:
    key = _key(b"x")
    await nearby.tidy(60)
    assert (nearby.name, nearby.url(key, 5, "17")) == ("far", f"https://far.test/{key}?5&17")
    assert far.asked == {"tidy 60": 1}


@pytest.mark.parametrize("place", ["", "nearby"])
async def test_folder_that_cannot_be_written_only_means_no_copies(far: FarStore, tmp_path: Path, place: str) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"in the way")
    nearby, data = Nearby(far, Copies(blocked / place, 8 * _MB)), _bytes(1)
    await nearby.put(_key(data), data, "image/jpeg")
    assert await nearby.open(_key(data), "17") == data
    await nearby.tidy(0)
    await nearby.delete(_key(data))
    assert blocked.read_bytes() == b"in the way"


async def test_full_disk_only_means_no_copy(nearby: Nearby, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    data = _bytes(1)
    await nearby.put(_key(data), data, "image/jpeg")
    assert await nearby.open(_key(data), "17") == data
    assert _total(tmp_path) == 0


def test_folder_never_grows_over_its_limit(tmp_path: Path) -> None:
    copies, largest = Copies(tmp_path, 8 * _MB), 0
    for number in range(40):
        data = _bytes(number, (number % 4 + 1) * _MB // 2)
        copies.keep(_sha256(data), data)
        largest = max(largest, _total(tmp_path))
    assert 4 * _MB < largest <= 8 * _MB


def test_longest_unused_goes_first(tmp_path: Path) -> None:
    copies, kept = Copies(tmp_path, 8 * _MB), [_bytes(number) for number in range(6)]
    for age, data in enumerate(kept):
        copies.keep(_sha256(data), data)
        used = time.time() - 1_000 + age
        os.utime(tmp_path / _sha256(data)[:2] / _sha256(data), (used, used))
    assert copies.get(_sha256(kept[0])) == kept[0]
    more = _bytes(7)
    for data in (more, _bytes(8)):
        copies.keep(_sha256(data), data)
    assert copies.get(_sha256(kept[0])) == kept[0]
    assert copies.get(_sha256(kept[1])) is None
    assert copies.get(_sha256(more)) == more


def test_picture_too_large_a_part_of_the_limit_is_not_copied(tmp_path: Path) -> None:
    copies, data = Copies(tmp_path, 8 * _MB), _bytes(1, 2 * _MB + 1)
    copies.keep(_sha256(data), data)
    assert _total(tmp_path) == 0


def test_what_was_not_used_for_a_week_and_what_a_kill_left_unfinished_goes(tmp_path: Path) -> None:
    copies, old, young = Copies(tmp_path, 8 * _MB), _bytes(1), _bytes(2)
    for data in (old, young):
        copies.keep(_sha256(data), data)
    part = tmp_path / "ab" / "x.part"
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(b"half")
    for path, age_s in ((tmp_path / _sha256(old)[:2] / _sha256(old), 8 * 86_400), (part, 2 * 3_600)):
        os.utime(path, (time.time() - age_s, time.time() - age_s))
    copies.tidy()
    assert [copies.get(_sha256(data)) for data in (old, young)] == [None, young]
    assert not part.exists()


_WORK = """
import hashlib, sys
from pathlib import Path
from app.pictures.copies import Copies
copies = Copies(Path(sys.argv[1]), 8_000_000)
for number in range(60):
    data = hashlib.shake_128(b"%d" % (number % 20)).digest(1_000_000)
    sha256 = hashlib.sha256(data).hexdigest()
    copies.keep(sha256, data)
    assert copies.get(sha256) in (data, None)
"""


def test_processes_share_one_folder_and_keep_to_the_limit(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WORK, str(tmp_path)]
    workers = [
        subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own code, no shell
        for _ in range(3)
    ]
    assert [(worker.communicate(timeout=60)[1], worker.returncode) for worker in workers] == [("", 0)] * 3
    Copies(tmp_path, 8 * _MB).tidy()
    assert 0 < _total(tmp_path) <= 6 * _MB
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or _sha256(path.read_bytes()) == path.name
