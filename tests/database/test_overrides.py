"""The overrides of the pinned mongoeco still reach what they are meant to reach."""

import inspect
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, override

import pytest
from bson import ObjectId
from mongoeco.api import AsyncMongoClient
from mongoeco.core.codec import DocumentCodec
from mongoeco.engines import SQLiteEngine
from mongoeco.errors import DuplicateKeyError, InvalidOperation

from app.database.overrides import fast_engine

_DOCUMENTS = 400

type Engine = Callable[[str], SQLiteEngine]
type Operation = Callable[[Any, ObjectId], Awaitable[object]]

_FREE = {"$expr": {"$lt": [{"$ifNull": ["$lease.until", datetime(1970, 1, 1, tzinfo=UTC)]}, "$$NOW"]}}
_CLAIM = [{"$set": {"attempt": {"$add": ["$attempt", 1]}, "lease": {"until": {"$add": ["$$NOW", 1000]}}}}]
_EVENT = {"$push": {"events": 1}, "$inc": {"lastSequence": 1}, "$currentDate": {"changedAt": True}}


class _Calls:
    """Counts the calls of two functions of the library."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decodes = 0
        self.signatures = 0
        decode, signature = DocumentCodec.decode, inspect.signature

        def counted_decode(data: Any, *, preserve_bson_wrappers: bool = True) -> Any:
            self.decodes += 1
            return decode(data, preserve_bson_wrappers=preserve_bson_wrappers)

        def counted_signature(*args: Any, **kwargs: Any) -> inspect.Signature:
            self.signatures += 1
            return signature(*args, **kwargs)

        monkeypatch.setattr(DocumentCodec, "decode", staticmethod(counted_decode))
        monkeypatch.setattr(inspect, "signature", counted_signature)


async def _filled(engine: Engine, path: Path) -> AsyncIterator[Any]:
    async with AsyncMongoClient(engine(str(path)), mongodb_dialect="8.0") as client:
        collection: Any = client["regen"]["things"]
        await collection.create_index("key", unique=True)
        await collection.insert_many(
            [{"_id": ObjectId(), "owner": ObjectId(), "key": str(n), "attempt": 1} for n in range(_DOCUMENTS)]
        )
        yield collection


async def _decodes_of_an_insert(engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    async for collection in _filled(engine, path):
        with monkeypatch.context() as patch:
            calls = _Calls(patch)
            await collection.insert_one({"_id": ObjectId(), "owner": ObjectId(), "key": "new"})
            return calls.decodes
    raise AssertionError


async def _signatures_of_a_read(engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    async for collection in _filled(engine, path):
        with monkeypatch.context() as patch:
            calls = _Calls(patch)
            assert len(await collection.find({}).limit(100).to_list()) == 100
            return calls.signatures
    raise AssertionError


async def test_insert_reads_no_other_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _decodes_of_an_insert(fast_engine, tmp_path / "fast", monkeypatch) < 20
    assert await _decodes_of_an_insert(SQLiteEngine, tmp_path / "slow", monkeypatch) >= _DOCUMENTS


async def test_read_inspects_no_signature_for_each_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _signatures_of_a_read(fast_engine, tmp_path / "fast", monkeypatch) < 10
    assert await _signatures_of_a_read(SQLiteEngine, tmp_path / "slow", monkeypatch) >= 100


async def _pushed(things: Any, identity: ObjectId) -> None:
    fence = {"_id": identity, "attempt": 1, "status": None, "lastSequence": {"$exists": False}, **_FREE}
    assert await things.find_one_and_update(fence, _EVENT, projection={"events": 1}) is not None


async def _claimed(things: Any, identity: ObjectId) -> None:
    claim = {"_id": identity, "attempt": {"$in": [1, 2]}, **_FREE}
    assert (await things.update_one(claim, _CLAIM)).modified_count == 1


async def _updated_by_many(things: Any, identity: ObjectId) -> None:
    assert (await things.update_many({"_id": identity, **_FREE}, {"$set": {"attempt": 2}})).modified_count == 1


async def _found(things: Any, identity: ObjectId) -> None:
    assert await things.find_one({"_id": identity, **_FREE}, {"attempt": 1}) == {"_id": identity, "attempt": 1}
    assert await things.find_one({"_id": identity, "attempt": 2, **_FREE}) is None


async def _listed(things: Any, identity: ObjectId) -> None:
    assert len(await things.find({"_id": identity, **_FREE}).sort([("attempt", 1)]).to_list()) == 1


async def _deleted(things: Any, identity: ObjectId) -> None:
    assert (await things.delete_one({"_id": identity, "attempt": 2, **_FREE})).deleted_count == 0
    assert (await things.delete_one({"_id": identity, **_FREE})).deleted_count == 1


async def _refused(things: Any, identity: ObjectId) -> None:
    """A condition that refuses turns an upsert into an insert, and there is one of that `_id`."""
    with pytest.raises(DuplicateKeyError):
        await things.update_one({"_id": identity, "attempt": {"$mod": [2, 0]}}, {"$set": {"attempt": 3}}, upsert=True)
    assert (await things.find_one({"_id": identity}))["attempt"] == 1


@pytest.mark.parametrize("operation", [_pushed, _claimed, _updated_by_many, _found, _listed, _deleted, _refused])
async def test_write_or_find_by_id_and_more_reads_one_document(
    operation: Operation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _decodes_of(operation, fast_engine, tmp_path / "fast", monkeypatch) < 100
    assert await _decodes_of(operation, SQLiteEngine, tmp_path / "slow", monkeypatch) >= _DOCUMENTS


async def _decodes_of(operation: Operation, engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    async for things in _filled(engine, path):
        identity: ObjectId = (await things.find_one({"key": str(_DOCUMENTS // 2)}))["_id"]
        with monkeypatch.context() as patch:
            calls = _Calls(patch)
            await operation(things, identity)
            return calls.decodes
    raise AssertionError


async def _statements(engine: Engine, path: Path) -> list[str]:
    """What an update and an insert send to SQLite, the second time: by any of the engine's connections."""
    sent: list[str] = []
    opened = sqlite3.connect

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = opened(*args, **kwargs)
        connection.set_trace_callback(sent.append)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", traced)
        async for things in _filled(engine, path):
            identity = (await things.find_one({}))["_id"]
            for number in (1, 2):
                sent.clear()
                await things.update_one({"_id": identity}, {"$set": {"attempt": number + 1}})
                await things.insert_one({"_id": ObjectId(), "key": f"new {number}"})
            return [*sent]
    raise AssertionError


async def test_unique_index_is_not_searched_for_arrays_at_each_write(tmp_path: Path) -> None:
    def searches(sent: list[str]) -> int:
        return sum("json_type" in statement for statement in sent)

    assert searches(await _statements(fast_engine, tmp_path / "fast")) == 0
    assert searches(await _statements(SQLiteEngine, tmp_path / "slow")) > 0


async def test_write_is_one_transaction_and_leaves_nothing_for_change_streams(tmp_path: Path) -> None:
    def kept(sent: list[str]) -> int:
        return sum("change_outbox" in statement for statement in sent)

    fast, slow = await _statements(fast_engine, tmp_path / "fast"), await _statements(SQLiteEngine, tmp_path / "slow")
    assert (fast.count("COMMIT"), kept(fast)) == (2, 0)
    assert slow.count("COMMIT") > 2
    assert kept(slow) > 0


async def test_change_stream_that_is_open_sees_a_write(tmp_path: Path) -> None:
    async for things in _filled(fast_engine, tmp_path / "file"):
        written = (await things.find_one({"key": "1"}))["_id"]
        stream = things.watch()
        await things.update_one({"_id": written, "attempt": 1}, {"$set": {"attempt": 2}})
        assert (await stream.next())["documentKey"] == {"_id": written}


_WITH_THE_LIBRARYS_PARAMETERS = [
    "_validate_document_against_unique_indexes",
    "_decode_codec_payload",
    "_unique_index_uses_multikey_values",
    "_invalidate_collection_features_cache",
    "_mark_index_metadata_changed",
    "_open_scan_documents_sync",
    "_sort_requires_python",
    "_build_scalar_sort_select_sql",
    "_translate_query_plan_with_multikey",
    "_field_is_top_level_array_in_collection",
]


@pytest.mark.parametrize("name", _WITH_THE_LIBRARYS_PARAMETERS)
def test_overridden_method_has_the_parameters_of_the_library(name: str, tmp_path: Path) -> None:
    ours = inspect.signature(getattr(type(fast_engine(str(tmp_path / "file"))), name))
    theirs = inspect.signature(getattr(SQLiteEngine, name))
    assert list(ours.parameters) == list(theirs.parameters)
    assert [p.default for p in ours.parameters.values()] == [p.default for p in theirs.parameters.values()]


async def test_equal_numeric_ids_still_collide(tmp_path: Path) -> None:
    async with AsyncMongoClient(fast_engine(str(tmp_path / "file")), mongodb_dialect="8.0") as client:
        collection: Any = client["regen"]["things"]
        await collection.insert_one({"_id": 1})
        with pytest.raises(DuplicateKeyError):
            await collection.insert_one({"_id": 1.0})


@pytest.mark.parametrize("succeeds", [True, False])
@pytest.mark.parametrize(("engine", "is_open"), [(fast_engine, False), (SQLiteEngine, True)])
async def test_client_that_leaves_in_the_middle_of_its_write_leaves_no_transaction_open(
    engine: Engine, tmp_path: Path, *, is_open: bool, succeeds: bool
) -> None:
    opened: Any = engine(str(tmp_path / "regen.sqlite"))
    async with AsyncMongoClient(opened, mongodb_dialect="8.0") as connected:
        client: Any = connected
        await client["regen"]["things"].insert_one({"_id": ObjectId()})
        session, connection = client.start_session(), opened._require_connection()  # noqa: SLF001 - as the library does
        opened._begin_write(connection, session)  # noqa: SLF001 - the same
        session.close()
        end = opened._commit_write if succeeds else opened._rollback_write  # noqa: SLF001 - the same
        if is_open:
            with pytest.raises(InvalidOperation):
                end(connection, session)
        else:
            end(connection, session)
        assert connection.in_transaction is is_open
        connection.rollback()


@pytest.mark.parametrize("engine", [SQLiteEngine, fast_engine])
def test_cache_that_grows_while_it_is_looked_through_fails_no_write(engine: Any) -> None:
    opened = engine(":memory:")
    cache: Any = getattr(opened, "_collection_features_cache")  # noqa: B009 - the library's inside
    forget: Any = getattr(opened, "_invalidate_collection_features_cache")  # noqa: B009 - the same

    class Growing(tuple[str, ...]):
        __slots__ = ()

        @override
        def __getitem__(self, index: Any) -> Any:
            cache["others", "things", str(len(cache))] = True
            return "regen", "things"  # all that is ever asked for

    cache[Growing(("regen", "things", "a"))] = True
    cache["regen", "things", "b"] = True
    if engine is SQLiteEngine:
        with pytest.raises(RuntimeError, match="changed size"):
            forget("regen", "things")
        return
    forget("regen", "things")
    assert {key[0] for key in cache} == {"others"}
