import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.api.documents import DocumentsError, TrustedDocuments
from app.errors import AppError, ErrorCode

_TEXT, _OTHER = "{ viewer { id } }", "{ __typename }"
_HASH = sha256(_TEXT.encode()).hexdigest()


def _read(folder: Path, content: object, *, only: bool = False) -> TrustedDocuments:
    path = folder / "documents.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return TrustedDocuments.read(path, only=only)


def _hashed(hashed: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed}}}


@pytest.mark.parametrize(
    "content", [{"me": _TEXT}, {"operations": [{"id": "me", "body": _TEXT, "name": "Me", "type": "query"}]}]
)
@pytest.mark.parametrize("fields", [{"documentId": "me"}, {"documentId": _HASH}, _hashed(_HASH)])
def test_id_and_hash_stand_for_the_text(tmp_path: Path, content: object, fields: dict[str, Any]) -> None:
    documents = _read(tmp_path, content, only=True)
    assert documents.filled({**fields, "variables": {"a": 1}}) == {**fields, "variables": {"a": 1}, "query": _TEXT}


def test_others_run_unless_only_trusted_ones_may(tmp_path: Path) -> None:
    fields = {"query": _OTHER}
    assert _read(tmp_path, {"me": _TEXT}).filled(fields) == fields
    with pytest.raises(AppError, match=r"Only trusted documents run here.*documentId") as refused:
        _read(tmp_path, {"me": _TEXT}, only=True).filled(fields)
    assert refused.value.code is ErrorCode.BAD_USER_INPUT


def test_trusted_text_is_trusted_without_its_id(tmp_path: Path) -> None:
    fields = {"query": _TEXT}
    assert _read(tmp_path, {"me": _TEXT}, only=True).filled(fields) == fields


@pytest.mark.parametrize("fields", [{"documentId": "x"}, _hashed("0" * 64)])
def test_unknown_id_is_told_in_the_words_that_clients_know(tmp_path: Path, fields: dict[str, Any]) -> None:
    for documents in (TrustedDocuments(), _read(tmp_path, {"me": _TEXT})):
        with pytest.raises(AppError) as refused:
            documents.filled(fields)
        assert refused.value.message == "PersistedQueryNotFound"
        assert documents.filled({**fields, "query": _OTHER})["query"] == _OTHER


def test_id_of_a_trusted_document_wins_over_another_text(tmp_path: Path) -> None:
    documents = _read(tmp_path, {"me": _TEXT}, only=True)
    assert documents.filled({"documentId": "me", "query": _OTHER})["query"] == _TEXT
    with pytest.raises(AppError, match="Only trusted"):
        documents.filled({"documentId": "x", "query": _OTHER})


@pytest.mark.parametrize("extensions", [None, [], "x", {"persistedQuery": None}, {"persistedQuery": {"sha256Hash": 1}}])
def test_extensions_of_another_shape_name_nothing(extensions: Any) -> None:
    fields = {"query": _TEXT, "extensions": extensions, "documentId": 7}
    assert TrustedDocuments().filled(fields) == fields


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"a": 1}', '{"operations": [{"id": 1}]}', '{"operations": ["x"]}']
)
def test_file_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DocumentsError, match=r"documents\.json"):
        _read(tmp_path, content)
    with pytest.raises(DocumentsError):
        TrustedDocuments.read(tmp_path / "nothing.json")


def test_text_that_comes_with_its_hash_may_come_by_that_alone_from_then_on(tmp_path: Path) -> None:
    for documents in (TrustedDocuments(), _read(tmp_path, {"other": _OTHER})):
        with pytest.raises(AppError, match="PersistedQueryNotFound"):
            documents.filled(_hashed(_HASH))
        documents.filled({**_hashed(_HASH), "query": _TEXT})
        assert documents.filled(_hashed(_HASH))["query"] == _TEXT


def test_text_is_not_registered_under_another_hash_nor_where_only_trusted_ones_run(tmp_path: Path) -> None:
    documents, only = TrustedDocuments(), _read(tmp_path, {"me": _TEXT}, only=True)
    documents.filled({**_hashed(_HASH), "query": _OTHER})
    with pytest.raises(AppError, match="PersistedQueryNotFound"):
        documents.filled(_hashed(_HASH))
    hashed = _hashed(sha256(_OTHER.encode()).hexdigest())
    with pytest.raises(AppError, match="Only trusted"):
        only.filled({**hashed, "query": _OTHER})
    with pytest.raises(AppError, match="PersistedQueryNotFound"):
        only.filled(hashed)


def test_no_more_texts_are_registered_than_there_is_room_for() -> None:
    documents = TrustedDocuments()
    texts = [f"{{ __typename }} #{number:099999}" for number in range(30)]
    hashes = [sha256(text.encode()).hexdigest() for text in texts]
    for text, hashed in zip(texts, hashes, strict=True):
        documents.filled({**_hashed(hashed), "query": text})
    with pytest.raises(AppError, match="PersistedQueryNotFound"):
        documents.filled(_hashed(hashes[0]))
    assert documents.filled(_hashed(hashes[-1]))["query"] == texts[-1]
