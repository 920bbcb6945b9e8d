"""How long archives are kept, how many and how large they may be, and that nothing of them stays."""

import asyncio
import io
import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.archives.files import ArchiveFiles
from app.archives.model import Archive, ArchiveState
from app.archives.service import KEPT_MAX, Archives
from app.archives.sweep import sweep
from app.archives.writing import Entries, Entry
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.generations.model import Generation, Status
from app.generations.recipe import Recipe
from app.pictures.links import MediaLinks
from tests.indexed import point_at

_RECIPE = Recipe(task="TEST", prompts=(), pictures=(), provider="local", model="archive")


@pytest.fixture
async def archives(database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> Archives:
    await point_at(database, [Archive, Generation])
    return Archives(ArchiveFiles(tmp_path), MediaLinks(b"k" * 32), retention_s=60)


async def _entries(*data: bytes) -> Entries:
    for number, one in enumerate(data):
        yield Entry(f"{number}.bin", one)


async def _broken(error: BaseException) -> Entries:
    yield Entry("0.bin", b"a" * 100_000)
    raise error


async def _generation(status: Status = Status.SUCCEEDED) -> Generation:
    return await _generation_of(PydanticObjectId(), status)


async def _generation_of(owner_id: PydanticObjectId, status: Status = Status.SUCCEEDED) -> Generation:
    made = Generation.queued(owner_id, "TEST", _RECIPE, f"{PydanticObjectId()}", utc_now())
    made.status, made.settled = status, status.ended
    await made.insert()
    return made


def _files(archives: Archives) -> list[Path]:
    return [path for path in archives.files.root.rglob("*") if path.is_file()]


async def _made(archives: Archives, generation: Generation) -> Archive:
    return await archives.make(generation, "a-1.zip", _entries(b"one", b"two"), utc_now())


async def test_archive_is_kept_until_it_expires(archives: Archives) -> None:
    generation = await _generation()
    archive = await _made(archives, generation)
    assert archive.state is ArchiveState.READY
    assert archive.expires_at - archive.created_at == timedelta(seconds=60)
    assert await sweep(archives) == 0
    assert _files(archives) == [archives.place(archive)]
    await archive.keep_until(utc_now() - timedelta(seconds=1))
    assert await sweep(archives) == 1
    assert (_files(archives), await Archive.count()) == ([], 0)


async def test_archive_that_a_generation_works_with_does_not_expire(archives: Archives) -> None:
    generation = await _generation(Status.RUNNING)
    archive = await _made(archives, generation)
    await archive.keep_until(utc_now() - timedelta(seconds=1))
    assert await sweep(archives) == 0
    assert len(_files(archives)) == 1
    await Generation.settle(generation.identity)
    await archive.keep_until(utc_now() - timedelta(seconds=1))
    assert await sweep(archives) == 1


@pytest.mark.parametrize("error", [AppError(ErrorCode.TIMEOUT, "Away."), OSError(28, "full"), KeyboardInterrupt()])
async def test_whatever_interrupts_the_writing_leaves_nothing(archives: Archives, error: BaseException) -> None:
    generation = await _generation()
    with pytest.raises((AppError, KeyboardInterrupt)) as raised:
        await archives.make(generation, "a-1.zip", _broken(error), utc_now())
    if isinstance(error, OSError):
        assert isinstance(raised.value, AppError)
        assert (raised.value.code, raised.value.retryable) == (ErrorCode.UNAVAILABLE, True)
    assert (_files(archives), await Archive.count()) == ([], 0)


async def _received(archives: Archives, owner_id: PydanticObjectId, times: int) -> None:
    for _ in range(times):
        await archives.receive(owner_id, PydanticObjectId(), io.BytesIO(b"a"), utc_now())


async def test_owner_who_has_as_many_as_one_may_gets_no_further_one(archives: Archives) -> None:
    """However many exports were started while there was room."""
    generation = await _generation(Status.RUNNING)
    await _received(archives, generation.owner_id, KEPT_MAX - 1)
    await _made(archives, generation)
    with pytest.raises(AppError) as refused:
        await archives.make(await _generation_of(generation.owner_id), "a-1.zip", _entries(b"a"), utc_now())
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.QUOTA_EXCEEDED, True)
    assert (len(_files(archives)), await Archive.count()) == (KEPT_MAX, KEPT_MAX)
    generation.attempt += 1
    await _made(archives, generation)  # in place of what its earlier attempt has left
    assert (len(_files(archives)), await Archive.count()) == (KEPT_MAX, KEPT_MAX)


async def test_those_that_come_at_once_are_not_more_than_one_may_have(archives: Archives) -> None:
    owner_id = PydanticObjectId()
    await _received(archives, owner_id, KEPT_MAX - 2)
    came = await asyncio.gather(*(_received(archives, owner_id, 1) for _ in range(6)), return_exceptions=True)
    kept = await Archive.number_of(owner_id)
    assert KEPT_MAX - 2 <= kept <= KEPT_MAX
    assert len(_files(archives)) == kept
    refused = [one.code for one in came if isinstance(one, AppError)]
    assert refused == [ErrorCode.QUOTA_EXCEEDED] * (KEPT_MAX + 4 - kept)


async def test_archive_that_becomes_too_large_fails_and_leaves_nothing(archives: Archives) -> None:
    generation = await _generation()
    small = replace(archives, max_bytes=1_900_000)
    with pytest.raises(AppError, match="more than 2 MB") as refused:
        await small.make(generation, "a-1.zip", _entries(*[b"0" * 1_000_000] * 2), utc_now())
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.QUOTA_EXCEEDED, False)
    assert (_files(archives), await Archive.count()) == ([], 0)


async def test_archive_that_is_deleted_while_it_is_written_does_not_come_back(archives: Archives) -> None:
    generation = await _generation()

    async def entries() -> Entries:
        yield Entry("0.bin", b"a")
        assert await archives.delete_all_of(generation.owner_id) == 1
        yield Entry("1.bin", b"b")

    with pytest.raises(AppError) as refused:
        await archives.make(generation, "a-1.zip", entries(), utc_now())
    assert refused.value.retryable
    assert (_files(archives), await Archive.count()) == ([], 0)


async def test_what_a_killed_process_left_is_swept_after_an_hour(archives: Archives) -> None:
    kept = await _made(archives, await _generation())
    unknown = archives.files.place(PydanticObjectId(), PydanticObjectId())
    unknown.write_bytes(b"nobody knows of this")
    part = archives.files.begin()
    part.file.close()
    assert await sweep(archives) == 0
    assert len(_files(archives)) == 3
    two_hours_ago = time.time() - 7_200
    for path in _files(archives):
        os.utime(path, (two_hours_ago, two_hours_ago))
    await sweep(archives)
    assert _files(archives) == [archives.place(kept)]


async def test_all_of_an_owner_are_deleted_and_no_others(archives: Archives) -> None:
    one, other = await _generation(), await _generation()
    await _made(archives, one)
    await archives.receive(one.owner_id, PydanticObjectId(), io.BytesIO(b"sent in"), utc_now())
    kept = await _made(archives, other)
    assert await archives.delete_all_of(one.owner_id) == 2
    assert await archives.delete_all_of(one.owner_id) == 0
    assert _files(archives) == [archives.place(kept)]


async def test_disk_that_refuses_to_delete_is_said(archives: Archives) -> None:
    archive = await _made(archives, await _generation())
    archives.place(archive).unlink()
    archives.place(archive).mkdir()  # no file: even the superuser cannot unlink it
    with pytest.raises(AppError) as refused:
        await archives.delete(archive)
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.UNAVAILABLE, True)
    assert await Archive.count() == 1


@pytest.mark.parametrize("name", ["../a.zip", "a b.zip", "a.zip/..", "A.zip", "a.exe", ""])
async def test_name_that_is_none_never_becomes_a_link(archives: Archives, name: str) -> None:
    archive = await _made(archives, await _generation())
    archive.file_name = name
    with pytest.raises(ValueError, match="not a name"):
        archives.url(archive)


async def test_entry_that_is_a_file_is_read_from_its_start_to_its_end(archives: Archives) -> None:
    async def entries() -> Entries:
        async with archives.scratch() as file:
            file.write(b"as long as may be")
            yield Entry("a.txt", file)

    archive = await archives.make(await _generation(), "a-1.zip", entries(), utc_now())
    assert _files(archives) == [archives.place(archive)]
    with ZipFile(archives.place(archive)) as zipped:
        assert zipped.testzip() is None
        assert {one.filename: (one.file_size, one.compress_size) for one in zipped.infolist()} == {"a.txt": (17, 17)}
        assert zipped.read("a.txt") == b"as long as may be"
