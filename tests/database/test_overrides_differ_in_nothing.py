"""Any sequence of operations has the results, the errors and the documents that the library's plain engine gives."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mongoeco.engines import SQLiteEngine
from mongoeco.wire import AsyncMongoEcoProxyServer
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.results import DeleteResult, InsertManyResult, InsertOneResult, UpdateResult

from app.database.overrides import fast_engine

type Document = dict[str, Any]
type Step = tuple[str, tuple[Any, ...], dict[str, Any]]
type Pair = tuple[AsyncDatabase[Document], AsyncDatabase[Document]]
type Some = st.SearchStrategy[Any]

_ADA, _BOB = ObjectId("6a0000000000000000000001"), ObjectId("6a0000000000000000000002")
_MEMBERS = [ObjectId(f"6a{number:022x}") for number in range(3, 12)]
_BEFORE, _SINCE, _LATER = (datetime(year, 1, 1, tzinfo=UTC) for year in (1999, 2026, 2999))
_NAMES = count()
# not of `n` alone: by such an index the plain engine compares within a type, as MongoDB does, else across types
_INDEX: Step = ("create_index", ([("state", 1), ("n", 1)],), {})
_PAGES: Step = ("create_index", ([("parent", 1), ("state", 1), ("_id", -1)],), {})


def _of(template: Any) -> Some:
    """What the template is, with a value of each strategy in its place."""
    if isinstance(template, st.SearchStrategy):
        return cast("st.SearchStrategy[object]", template)
    if isinstance(template, dict):
        named = cast("dict[str, Any]", template)
        return st.fixed_dictionaries({name: _of(part) for name, part in named.items()})
    if isinstance(template, list):
        return st.tuples(*(_of(part) for part in cast("list[object]", template))).map(list)
    return st.just(template)


def _one(*templates: Any) -> Some:
    return st.one_of(*(_of(template) for template in templates))


_number: Some = st.integers(0, 3)
_bool: Some = st.booleans()
_id: Some = st.sampled_from([_ADA, _ADA, _ADA, _ADA, _BOB, "open", 1, 1.0, None])
_date: Some = st.sampled_from([_BEFORE, _LATER])
_state: Some = st.sampled_from(["QUEUED", "RUNNING", None])
_code = _one(_number, "a", "b", None, st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=2))
_parent = _one(
    None, st.sampled_from([_ADA, _BOB]), st.sampled_from(["open", str(_ADA), [_ADA, _BOB], [None], {"a": 1}])
)
_fields: Some = st.fixed_dictionaries(
    {"state": _state},
    optional={
        "n": _one(_number, _number, 1.0, "1", None),
        "lease": _one(None, {"until": _date}, {"until": None}),
        "events": st.lists(_number, max_size=4),
        "open": st.lists(_number, max_size=5),
        "code": _code,
        "parent": _parent,
    },
)
_member = _of({"_id": st.sampled_from(_MEMBERS), "state": _state, "parent": st.sampled_from([_ADA, _BOB, None])})
_document: Some = st.tuples(_of({"_id": _id}), _fields).map(lambda parts: {**parts[0], **parts[1]})

_free: Document = {"$lt": [{"$ifNull": ["$lease.until", _BEFORE]}, "$$NOW"]}
_condition = _one(
    {"n": _number},
    {"n": None},
    {"n": {"$gte": _number}},
    {"n": {"$lt": _number, "$ne": _number}},
    {"state": _state},
    {"state": {"$in": st.lists(_state, max_size=2)}},
    {"state": {"$ne": None}},
    {"lease": {"$exists": _bool}},
    {"lease.until": {"$lt": _date, "$ne": None}},
    {
        "open.3": {"$exists": False}
    },  # of an array: in {"open": {"3": 1}} the plain engine sees no such path, and is wrong
    {"$expr": _free},
    {"$expr": {"$and": [{"$eq": ["$n", _number]}, _free]}},
    {"events": _number},
    {"events": {"$size": _number}},
    {"code": _code},
    {"$or": [{"n": _number}, {"state": _state}]},
    {"$and": [{"_id": _id}]},
)
_sought = _one(_id, _id, _id, {"$eq": _id}, {"$in": st.lists(_id, max_size=2)})
_filter: Some = st.tuples(_of({"_id": _sought}), st.lists(_condition, max_size=2)).map(
    lambda parts: {name: wanted for part in (parts[0], *parts[1]) for name, wanted in part.items()}
)
_page = _one(
    {"parent": {"$in": st.lists(st.sampled_from([_ADA, _BOB]), max_size=3)}},
    {"parent": {"$in": st.lists(_parent, max_size=2)}},
    {"parent": _parent, "state": _state},
    {"parent": {"$ne": None}},
    {"parent": None, "_id": {"$lt": _id}},
    {"state": _state, "_id": {"$gt": st.sampled_from([_ADA, _BOB])}},
    {"state": {"$in": [_state]}, "_id": {"$lte": _BOB}},
    {"$or": [{"parent": {"$in": [_parent, _ADA]}}, {"parent": None}]},
    {"$nor": [{"parent": {"$in": [_ADA]}}, {"n": None}]},
    {},
)
_in_order = _one([("_id", 1)], [("_id", -1)], [("_id", -1)], [("state", 1), ("_id", -1)])
_classic = _one(
    {"$set": {"n": _number}},
    {"$set": {"state": _state, "at": _BEFORE}},
    {"$set": {"code": _code}},
    {"$inc": {"n": 1}, "$push": {"events": _number}, "$currentDate": {"at": True}},
    {"$push": {"events": {"$each": [_number, _number], "$slice": -3}}},
    {"$addToSet": {"events": {"$each": [_number]}}},
    {"$pull": {"events": _number}},
    {"$set": {"events.$": 9}},
    {"$unset": {"state": ""}},
    {"$push": {"open": _number}, "$setOnInsert": {"n": 7}},
    {"$set": {"_id": _id}},
)
_pipeline = _one(
    [{"$set": {"n": {"$add": [{"$ifNull": ["$n", 0]}, 1]}, "at": "$$NOW"}}],
    [{"$set": {"lease": {"until": {"$add": ["$$NOW", 1000]}}, "state": "RUNNING"}}],
    [{"$set": {"events": {"$concatArrays": [{"$ifNull": ["$events", []]}, [8]]}}}],
    [{"$set": {"code": {"$ifNull": ["$events", "a"]}}}],
    [{"$unset": "lease"}],
)
_update = _one(_classic, _classic, _pipeline)
_projection = _one(None, {"n": 1}, {"events": 0}, {"events": {"$slice": -1}}, {"_id": 0, "state": 1, "open": 1})
_sort = _one(None, st.just([("n", 1), ("_id", 1)]))
_returned: Some = st.sampled_from([ReturnDocument.BEFORE, ReturnDocument.AFTER])


def _step(name: str, *arguments: Some, **options: Some) -> Some:
    return st.tuples(st.just(name), st.tuples(*arguments), st.fixed_dictionaries(options)).map(_taken_by_mongodb)


def _taken_by_mongodb(step: Step) -> Step:
    """No upsert with `$expr`, which the plain engine takes, and ours refuses as MongoDB does."""
    name, arguments, options = step
    return (
        (name, arguments, {**options, "upsert": False}) if options.get("upsert") and "$expr" in arguments[0] else step
    )


_step_of_any_kind = _one(
    _step("insert_one", _document),
    _step("insert_many", st.lists(_document, min_size=1, max_size=3), ordered=_bool),
    _step("update_one", _filter, _update, upsert=_bool),
    _step("update_many", _filter, _update, upsert=_bool),
    _step("replace_one", _filter, _fields, upsert=_bool),
    _step("find_one_and_update", _filter, _update, _projection, _sort, upsert=_bool, return_document=_returned),
    _step("find_one_and_replace", _filter, _fields, _projection, _sort, upsert=_bool, return_document=_returned),
    _step("find_one_and_delete", _filter, _projection, _sort),
    _step("delete_one", _filter),
    _step("delete_many", _filter),
    _step("find_one", _filter, _projection),
    _step("find", _filter, _projection, st.integers(0, 1), st.integers(0, 2), sort=_sort),
    _step("find", _page, _projection, st.integers(0, 1), st.integers(0, 3), sort=_in_order),
    _step("count_documents", _page),
    _step("update_many", _page, _classic),
    _step("delete_many", _page),
    _step("count_documents", _filter),
    _step("drop_indexes"),
    _step("create_index", st.just("code"), unique=st.just(True)),
)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """A database on our engine and one on the library's, each behind the server that users have."""
    async with AsyncExitStack() as stack:

        async def served(engine: Callable[[str], SQLiteEngine], name: str) -> AsyncDatabase[Document]:
            server = AsyncMongoEcoProxyServer(engine=engine(str(tmp_path / name)), mongodb_dialect="8.0")
            await stack.enter_async_context(server)
            client = AsyncMongoClient[Document](server.address.uri, tz_aware=True)
            return (await stack.enter_async_context(client))["regen"]

        yield await served(fast_engine, "ours"), await served(SQLiteEngine, "theirs")


def _comparable(value: Any) -> Any:
    """Without what differs between any two runs, the time and the ids that the server makes, and 1 is not 1.0."""
    if isinstance(value, dict):
        return {name: _comparable(part) for name, part in cast("Document", value).items()}
    if isinstance(value, list):
        return [_comparable(part) for part in cast("list[object]", value)]
    if isinstance(value, datetime):
        return "now" if _SINCE < value < _LATER else value
    if isinstance(value, ObjectId):
        return value if value in {_ADA, _BOB, *_MEMBERS} else "made"
    return type(value), value


async def _outcome(collection: AsyncCollection[Document], step: Step) -> Any:
    name, arguments, options = step
    try:
        command = getattr(collection, name)(*arguments, **options)
        result: Any = await (command.to_list() if name == "find" else command)
    except PyMongoError as error:
        return "error", type(error), getattr(error, "code", None), re.sub(r"ObjectId\('\w+'\)", "an id", str(error))
    if isinstance(result, InsertOneResult | InsertManyResult):
        return "inserted"
    return _comparable(result.raw_result if isinstance(result, UpdateResult | DeleteResult) else result)


@pytest.mark.timeout(900)  # 300 examples with FULL=1
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    stored=_one(st.lists(_document, max_size=6), st.lists(_member, max_size=12)),
    steps=st.lists(_step_of_any_kind, min_size=1, max_size=15),
    sparse=_bool,
)
async def test_any_sequence_has_the_same_results_and_leaves_the_same_documents(
    pair: Pair,
    stored: list[Document],
    steps: list[Step],
    sparse: bool,  # noqa: FBT001 - hypothesis names it
) -> None:
    name = f"things{next(_NAMES)}"
    ours, theirs = (database[name] for database in pair)
    before: list[Step] = [("create_index", ("code",), {"unique": True, "sparse": sparse}), _INDEX, _PAGES]
    before += [("insert_one", (document,), {}) for document in stored]
    for step in [*before, *steps]:
        assert await _outcome(ours, step) == await _outcome(theirs, step), step
    assert await _all(ours) == await _all(theirs)


async def _all(collection: AsyncCollection[Document]) -> Any:
    return [_comparable(document) async for document in collection.find()]
