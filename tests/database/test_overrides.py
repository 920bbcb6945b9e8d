"""The overrides of the pinned mongoeco still reach what they are meant to reach."""

import inspect
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from mongoeco.api import AsyncMongoClient
from mongoeco.core.codec import DocumentCodec
from mongoeco.engines import SQLiteEngine
from mongoeco.errors import DuplicateKeyError

from app.database.overrides import fast_engine

_DOCUMENTS = 2_000

type Engine = Callable[[str], SQLiteEngine]


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
        await collection.insert_many([{"_id": ObjectId(), "owner": ObjectId()} for _ in range(_DOCUMENTS)])
        yield collection


async def _decodes_of_an_insert(engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    async for collection in _filled(engine, path):
        with monkeypatch.context() as patch:
            calls = _Calls(patch)
            await collection.insert_one({"_id": ObjectId(), "owner": ObjectId()})
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


@pytest.mark.parametrize("name", ["_validate_document_against_unique_indexes", "_decode_codec_payload"])
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
