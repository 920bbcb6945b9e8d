"""Copying a database to another server."""

from datetime import datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId

from app.database.connection import RawDatabase
from app.database.errors import DatabaseError
from app.database.transfer import copy

_EVERY_TYPE: dict[str, Any] = {
    "int": 1,
    "long": Int64(1),
    "double": 1.0,
    "decimal": Decimal128("1.20"),
    "bytes": b"\x00\xff",
    "uuid": Binary(b"0123456789abcdef", 4),
    "date": datetime(2026, 1, 2, 3, 4, 5, 678_000),  # noqa: DTZ001 - as the driver hands it back
    "null": None,
    "text": "é\u2028\U0001f48d\n",
    "nested": {"list": [1, {"id": ObjectId()}, []], "empty": {}},
}


async def _fill(database: RawDatabase, things: int = 10) -> None:
    await database["things"].insert_many([{"number": number} for number in range(things)])
    await database["rich"].insert_one(_EVERY_TYPE | {"_id": ObjectId()})


async def test_copy_on_another_server_is_equal(database: RawDatabase, another_server: RawDatabase) -> None:
    await _fill(database, things=401)
    assert await copy(database, another_server) == {"rich": 1, "things": 401}
    for name in ("rich", "things"):
        there = await another_server[name].find().sort("_id", 1).to_list()
        assert there == await database[name].find().sort("_id", 1).to_list()


async def test_target_that_holds_documents_is_refused(database: RawDatabase, another_server: RawDatabase) -> None:
    await _fill(database)
    await another_server["users"].insert_one({})
    with pytest.raises(DatabaseError, match=r"isn't empty \(it has users\)"):
        await copy(database, another_server)
    assert await another_server.list_collection_names() == ["users"]


async def test_interrupted_copy_is_resumed(database: RawDatabase, another_server: RawDatabase) -> None:
    await _fill(database)
    first = await database["things"].find().limit(5).to_list()
    await another_server["things"].insert_many([*first[:-1], first[-1] | {"number": "half written"}])
    assert await copy(database, another_server, resume=True) == {"rich": 1, "things": 10}
    assert await copy(database, another_server, resume=True) == {"rich": 1, "things": 10}


async def test_foreign_documents_in_the_target_are_noticed(database: RawDatabase, another_server: RawDatabase) -> None:
    await _fill(database)
    await another_server["things"].insert_one({"number": -1})
    with pytest.raises(DatabaseError, match="things differs after copying: 10 documents were read, 11 are in"):
        await copy(database, another_server, resume=True)
