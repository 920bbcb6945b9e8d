"""Whoever reads gives their connection to the file to the next one, and nothing of what they saw."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from mongoeco.api import AsyncMongoClient

from app.database.overrides import fast_engine

_DOCUMENTS = 50


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that are opened from now on."""
    known: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def counted(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        known.append(connection)
        return connection

    monkeypatch.setattr(sqlite3, "connect", counted)
    return known


@pytest.fixture
async def things(opened: list[sqlite3.Connection], tmp_path: Path) -> AsyncIterator[Any]:
    assert opened == []
    async with AsyncMongoClient(fast_engine(str(tmp_path / "file")), mongodb_dialect="8.0") as client:
        collection: Any = client["regen"]["things"]
        await collection.create_index([("kind", 1), ("_id", 1)])
        await collection.insert_many([{"_id": ObjectId(), "kind": number % 2} for number in range(_DOCUMENTS)])
        yield collection


async def test_reads_one_after_another_open_one_connection(things: Any, opened: list[sqlite3.Connection]) -> None:
    before = len(opened)
    for _ in range(10):
        assert len(await things.find({"kind": 1}).to_list()) == _DOCUMENTS // 2
    assert len(opened) <= before + 1


async def test_reads_at_once_are_right_and_few_connections_stay(things: Any, opened: list[sqlite3.Connection]) -> None:
    found = await asyncio.gather(*(things.find({"kind": number % 2}).to_list() for number in range(40)))
    assert [len(one) for one in found] == [_DOCUMENTS // 2] * 40
    before = len(opened)
    await asyncio.gather(*(things.find({"kind": 0}).to_list() for _ in range(4)))
    assert len(opened) == before


async def test_read_sees_what_was_written_after_the_one_before(things: Any) -> None:
    for number in range(5):
        assert len(await things.find({"kind": 2}).to_list()) == number
        await things.insert_one({"_id": ObjectId(), "kind": 2})


async def test_read_that_is_left_in_the_middle_leaves_no_transaction(
    things: Any, opened: list[sqlite3.Connection]
) -> None:
    cursor = things.find({}).batch_size(2)
    async for _ in cursor:
        break
    await cursor.close()
    await things.insert_one({"_id": ObjectId(), "kind": 9})
    assert len(await things.find({"kind": 9}).to_list()) == 1
    assert [one for one in opened if one.in_transaction] == []


async def test_read_uses_an_index_that_was_made_after_the_one_before(things: Any) -> None:
    await things.find({"size": 1}).to_list()
    await things.create_index([("size", 1)])
    await things.insert_one({"_id": ObjectId(), "size": 1})
    assert len(await things.find({"size": 1}, hint="size_1").to_list()) == 1


async def test_closed_database_leaves_no_file_open(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    async with AsyncMongoClient(fast_engine(path), mongodb_dialect="8.0") as client:
        collection: Any = client["regen"]["things"]
        await collection.insert_many([{"_id": ObjectId()} for _ in range(5)])
        await asyncio.gather(*(collection.find({}).to_list() for _ in range(10)))
    assert [name for name in _open_files() if name.startswith(path)] == []


def _open_files() -> list[str]:
    numbers = [one for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    return [str(one.readlink()) for one in numbers if one.is_symlink()]  # the folder's own is closed by now
