"""A page of a large collection costs the embedded database no more than one of a small one."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from mongoeco.api import AsyncMongoClient
from mongoeco.engines import SQLiteEngine

from app.database.overrides import fast_engine

_OWNERS = 40

type Engine = Callable[[str], SQLiteEngine]
type Operation = Callable[[Any, ObjectId], Awaitable[object]]


async def _page(things: Any, owner: ObjectId) -> None:
    found = await things.find({"owner": owner, "trashedAt": None}).sort("_id", -1).limit(2).to_list()
    assert len(found) == 2


async def _next_page(things: Any, owner: ObjectId) -> None:
    latest = await things.find_one({"owner": owner}, sort=[("_id", -1)])
    mine = {"owner": owner, "trashedAt": None, "_id": {"$lt": latest["_id"]}}
    assert len(await things.find(mine).sort("_id", -1).limit(2).to_list()) == 2


async def _of_some(things: Any, owner: ObjectId) -> None:
    wanted = [owner, ObjectId(), ObjectId()]
    assert len(await things.find({"owner": {"$in": wanted}}).to_list()) == 10


async def _steps(read: Operation, engine: Engine, path: Path) -> int:
    """What SQLite does for it the second time, in hundreds of its machine's steps; each owner has ten."""
    steps, opened = [0], sqlite3.connect

    def count() -> int:
        steps[0] += 1
        return 0

    def counting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = opened(*args, **kwargs)
        connection.set_progress_handler(count, 100)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", counting)
        async with AsyncMongoClient(engine(str(path)), mongodb_dialect="8.0") as client:
            things: Any = client["regen"]["things"]
            await things.create_index([("owner", 1), ("trashedAt", 1), ("_id", -1)])
            owners = [ObjectId() for _ in range(_OWNERS)]
            await things.insert_many([{"_id": ObjectId(), "owner": owner} for _ in range(10) for owner in owners])
            await read(things, owners[0])
            steps[0] = 0
            await read(things, owners[0])
    return steps[0]


@pytest.mark.parametrize("read", [_page, _next_page, _of_some])
async def test_page_is_read_by_an_index(read: Operation, tmp_path: Path) -> None:
    assert await _steps(read, fast_engine, tmp_path / "fast") < 20
    assert await _steps(read, SQLiteEngine, tmp_path / "slow") > 50
