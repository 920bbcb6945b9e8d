"""The same file again costs little, and is as safe as the first time."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from beanie import PydanticObjectId

from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.model import Picture
from app.pictures.upload import Memory, Upload
from tests.pictures.conftest import age, files, nothing

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()
_OWNER = PydanticObjectId()


@dataclass
class _Sent:
    """Counts how often its bytes are read."""

    times: int = 0
    upload: Upload = field(init=False)

    def __post_init__(self) -> None:
        self.upload = Upload(Upload.of(_CAR).sha256, self._read)

    def _read(self) -> bytes:
        self.times += 1
        return _CAR


@pytest.fixture
def sent() -> _Sent:
    return _Sent()


async def test_same_file_again_is_the_same_picture_and_not_looked_into(pictures: Pictures, sent: _Sent) -> None:
    first, second = [await pictures.accept(_OWNER, sent.upload) for _ in range(2)]
    assert (first.identity, sent.times) == (second.identity, 1)


async def test_same_file_again_is_safe_from_the_next_sweep(pictures: Pictures, sent: _Sent) -> None:
    first = await pictures.accept(_OWNER, sent.upload)
    await age()
    assert (await pictures.accept(_OWNER, sent.upload)).identity == first.identity
    assert (await pictures.sweep(nothing, 60)).deleted == 0


async def test_file_of_another_is_looked_into(pictures: Pictures, sent: _Sent) -> None:
    mine, theirs = [await pictures.accept(owner, sent.upload) for owner in (_OWNER, PydanticObjectId())]
    assert (mine.identity != theirs.identity, sent.times) == (True, 2)


async def test_swept_picture_comes_anew(pictures: Pictures, sent: _Sent) -> None:
    first = await pictures.accept(_OWNER, sent.upload)
    await age()
    assert (await pictures.sweep(nothing, 60)).deleted == 1
    again = await pictures.accept(_OWNER, sent.upload)
    assert (again.identity != first.identity, sent.times) == (True, 2)
    assert await pictures.read(again)


@pytest.mark.parametrize("left", [None, b"half a pict"])
async def test_picture_that_its_store_has_lost_comes_back(
    pictures: Pictures, disk: DiskStore, sent: _Sent, left: bytes | None
) -> None:
    first = await pictures.accept(_OWNER, sent.upload)
    (place,) = files(disk)
    (disk.root / place).unlink()
    if left is not None:
        (disk.root / place).write_bytes(left)
    again = await pictures.accept(_OWNER, sent.upload)
    assert (again.identity, sent.times) == (first.identity, 2)
    if left is None:
        assert await pictures.read(again)
    assert await Picture.count() == 1


def test_memory_forgets_what_nobody_has_sent_for_longest() -> None:
    memory, ids = Memory(at_most=2), [PydanticObjectId() for _ in range(3)]
    memory.keep(_OWNER, "a", ids[0])
    memory.keep(_OWNER, "b", ids[1])
    memory.keep(_OWNER, "a", ids[0])
    memory.keep(_OWNER, "c", ids[2])
    assert [memory.get(_OWNER, sha256) for sha256 in "abc"] == [ids[0], None, ids[2]]
