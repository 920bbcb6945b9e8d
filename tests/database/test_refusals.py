"""The embedded database refuses what a real MongoDB refuses, in its words: tests must not pass on one alone."""

from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

_OF_TWO = {"$expr": {"$eq": ["$number", 2]}}
_CHANGE = {"$set": {"seen": True}}

type Things = AsyncDatabase[dict[str, Any]]


@pytest.mark.parametrize("condition", [_OF_TWO, {"_id": "b", **_OF_TWO}, {"$or": [{"_id": "b"}, {"$and": [_OF_TWO]}]}])
@pytest.mark.parametrize("name", ["update_one", "find_one_and_update"])
async def test_expr_in_the_condition_of_an_upsert_is_refused(
    database: Things, name: str, condition: dict[str, Any]
) -> None:
    things = database["things"]
    await things.insert_one({"_id": "a", "number": 2})
    with pytest.raises(OperationFailure, match=r"\$expr is not allowed in the query predicate for an upsert") as caught:
        await getattr(things, name)(condition, _CHANGE, upsert=True)
    assert caught.value.code == 224
    assert await things.find().to_list() == [{"_id": "a", "number": 2}]


async def test_expr_in_the_condition_of_an_update_is_taken(database: Things) -> None:
    things = database["things"]
    await things.insert_one({"_id": "a", "number": 2})
    assert (await things.update_one(_OF_TWO, _CHANGE)).modified_count == 1
    assert (await things.update_one({"_id": "b"}, _CHANGE, upsert=True)).upserted_id == "b"
