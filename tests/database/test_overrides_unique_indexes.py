"""Unique indexes of the embedded database see every array, though it looks for arrays only once."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mongoeco.api import AsyncMongoClient
from mongoeco.errors import DuplicateKeyError

from app.database.overrides import fast_engine


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with AsyncMongoClient(fast_engine(str(tmp_path / "file")), mongodb_dialect="8.0") as client:
        yield client


@pytest.fixture
async def things(client: Any) -> Any:
    """A collection with a unique index that is known to hold no array: the second insert has looked."""
    things: Any = client["regen"]["things"]
    await things.create_index("tag", unique=True)
    await things.insert_one({"_id": "one", "tag": "a"})
    await things.insert_one({"_id": "two", "tag": "b"})
    return things


async def test_unique_index_sees_arrays_that_come_later(things: Any) -> None:
    with pytest.raises(DuplicateKeyError):
        await things.insert_one({"_id": "three", "tag": ["c", "a"]})
    await things.update_one({"_id": "one"}, {"$set": {"tag": ["a", "c"]}})
    for write in (
        things.insert_one({"_id": "three", "tag": "c"}),
        things.update_one({"_id": "two"}, {"$set": {"tag": "c"}}),
    ):
        with pytest.raises(DuplicateKeyError):
            await write


async def test_unique_index_sees_an_array_whose_removal_was_rolled_back(things: Any, client: Any) -> None:
    await things.update_one({"_id": "one"}, {"$set": {"tag": ["a", "c"]}})
    with client.start_session() as session:
        session.start_transaction()
        await things.delete_one({"_id": "one"}, session=session)
        await things.insert_one({"_id": "three", "tag": "d"}, session=session)
        session.abort_transaction()
    with pytest.raises(DuplicateKeyError):
        await things.insert_one({"_id": "three", "tag": "c"})


async def test_unique_index_sees_the_arrays_of_a_collection_that_took_the_name(
    things: Any, client: AsyncMongoClient
) -> None:
    others: Any = client["regen"]["others"]
    await others.create_index("tag", unique=True)
    await others.insert_one({"_id": "one", "tag": ["a", "c"]})
    await things.drop()
    await others.rename("things")
    with pytest.raises(DuplicateKeyError):
        await things.insert_one({"_id": "three", "tag": "c"})
