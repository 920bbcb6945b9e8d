"""The embedded database's engine: mongoeco 4.11.0, its writes by `_id` no slower in a large collection than in a small.

What is made fast: reads (`embedded_reads`), the connections they take (`embedded_connections`), a write whose filter is
`_id` and more, an insert's search for an equal `_id`, the search of unique indexes for arrays, decoding, and the feed
of change streams (left out). And an upsert is refused that a real MongoDB refuses. What is mended: a client that leaves
in the middle of its write no longer keeps that of everybody else from the file, and no write fails because others read
at that moment. All of it reaches into the library's inside; that is why `pyproject.toml` pins its version, and why
`tests/database/test_overrides.py` fails if something no longer takes hold.
`tests/database/test_overrides_differ_in_nothing.py` compares the results with the plain engine's.
"""

import sqlite3
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, override

from mongoeco.core.identity import id_contains_numeric_value
from mongoeco.core.operation_context import ChangePublicationPolicy, OperationContext
from mongoeco.engines import SQLiteEngine
from mongoeco.engines.sqlite_query import json_path_for_field, path_array_prefixes

from app.database.embedded_reads import Reads, id_clause
from app.database.refusals import refuse_expr

if TYPE_CHECKING:
    from mongoeco.api.operations import UpdateOperation
    from mongoeco.engines.results import DeleteOutcome, InsertOutcome, MergeOutcome, MutationOutcome

type _Document = dict[str, Any]
type _Fields = tuple[str, ...]


class _FastSQLiteEngine(Reads):
    """Nothing here reads change streams, so nothing is kept for them: a write would cost three commits more."""

    capabilities = replace(SQLiteEngine.capabilities, change_delivery="none")

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._without_arrays = defaultdict[tuple[str, str], set[_Fields]](set)

    @override
    async def insert_document(
        self, *args: Any, operation_context: OperationContext | None = None, **kwargs: Any
    ) -> "InsertOutcome":
        return await super().insert_document(*args, operation_context=_unpublished(operation_context), **kwargs)

    @override
    async def insert_documents(
        self, *args: Any, operation_context: OperationContext | None = None, **kwargs: Any
    ) -> "tuple[InsertOutcome, ...]":
        return await super().insert_documents(*args, operation_context=_unpublished(operation_context), **kwargs)

    @override
    async def merge_document(
        self, *args: Any, operation_context: OperationContext | None = None, **kwargs: Any
    ) -> "MergeOutcome":
        return await super().merge_document(*args, operation_context=_unpublished(operation_context), **kwargs)

    @override
    async def update_with_operation(
        self,
        db_name: str,
        coll_name: str,
        operation: "UpdateOperation",
        *args: Any,
        selector_filter: _Document | None = None,
        operation_context: OperationContext | None = None,
        **kwargs: Any,
    ) -> "MutationOutcome":
        if kwargs.get("upsert"):
            refuse_expr(operation.filter_spec)
        sought, selector = _by_id_first(operation, selector_filter)
        sought, context = _unpublished_with(sought, operation_context)
        return await super().update_with_operation(
            db_name, coll_name, sought, *args, selector_filter=selector, operation_context=context, **kwargs
        )

    @override
    async def delete_with_operation(
        self,
        db_name: str,
        coll_name: str,
        operation: "UpdateOperation",
        *,
        selector_filter: _Document | None = None,
        operation_context: OperationContext | None = None,
        **kwargs: Any,
    ) -> "DeleteOutcome":
        sought, selector = _by_id_first(operation, selector_filter)
        sought, context = _unpublished_with(sought, operation_context)
        return await super().delete_with_operation(
            db_name, coll_name, sought, selector_filter=selector, operation_context=context, **kwargs
        )

    @override
    def _commit_write(self, conn: sqlite3.Connection, context: Any) -> None:
        super()._commit_write(conn, _transaction_of(context))

    @override
    def _rollback_write(self, conn: sqlite3.Connection, context: Any) -> None:
        super()._rollback_write(conn, _transaction_of(context))

    @override
    def _validate_document_against_unique_indexes(
        self,
        db_name: str,
        coll_name: str,
        document: _Document,
        *,
        exclude_storage_key: str | None = None,
        skip_id_check: bool = False,
        scan_payload_id: bool = False,
    ) -> None:
        """Scan the collection for an equal `_id` only where one may hide: 1 equals 1.0, an ObjectId only itself."""
        known = self._without_arrays[db_name, coll_name]
        known.difference_update([fields for fields in known if self._has_array(document, fields)])
        super()._validate_document_against_unique_indexes(
            db_name,
            coll_name,
            document,
            exclude_storage_key=exclude_storage_key,
            skip_id_check=skip_id_check,
            scan_payload_id=scan_payload_id and id_contains_numeric_value(document.get("_id")),
        )

    @override
    def _unique_index_uses_multikey_values(self, db_name: str, coll_name: str, document: _Document, index: Any) -> bool:
        """Scan the collection for arrays at the index's fields once, not at each write.

        That there are none stays known until a document with one is to be written (each passes the method above), a
        write is rolled back, or an index or a collection's name changes. All of it happens under the lock of the
        writers, and the engine is the only one on its file.
        """
        fields = tuple(index["fields"])
        known = self._without_arrays[db_name, coll_name]
        if fields in known:
            return False
        found = super()._unique_index_uses_multikey_values(  # pyright: ignore[reportUnknownMemberType] - its `index`
            db_name, coll_name, document, index
        )
        if not found and not self._collection_has_array(db_name, coll_name, fields):
            known.add(fields)
        return found

    @override
    def _invalidate_collection_features_cache(self, db_name: str | None = None, coll_name: str | None = None) -> None:
        """Look through a copy: other threads add to the cache meanwhile, and a write would fail now and then."""
        if db_name is None or coll_name is None:  # as after a rollback; each write names its collection
            self._collection_features_cache.clear()
            self._without_arrays.clear()
            return
        for key in tuple(self._collection_features_cache):
            if key[:2] == (db_name, coll_name):
                self._collection_features_cache.pop(key, None)

    @override
    def _mark_index_metadata_changed(self, db_name: str, coll_name: str) -> None:
        super()._mark_index_metadata_changed(db_name, coll_name)
        self._without_arrays.clear()

    def _has_array(self, document: _Document, fields: _Fields) -> bool:
        return any(self._array_paths_for_index_field(document, field) for field in fields)

    def _collection_has_array(self, db_name: str, coll_name: str, fields: _Fields) -> bool:
        """Look into the file itself: a reader may have cached what an older snapshot showed."""
        paths = [json_path_for_field(path) for field in fields for path in (*path_array_prefixes(field), field)]
        arrays = " OR ".join(["json_type(document, ?) = 'array'"] * len(paths))
        query = f"SELECT 1 FROM documents WHERE db_name = ? AND coll_name = ? AND ({arrays}) LIMIT 1"  # noqa: S608 - only placeholders are put in
        return self._require_connection().execute(query, (db_name, coll_name, *paths)).fetchone() is not None

    @override
    def _decode_codec_payload(self, payload: object, *, preserve_bson_wrappers: bool) -> _Document:
        """Decode without inspecting the codec's signature for each document: it is always the library's own."""
        document: _Document = self._codec.decode(payload, preserve_bson_wrappers=preserve_bson_wrappers)
        return document


def fast_engine(path: str) -> SQLiteEngine:
    """An engine over the SQLite file at `path`, with the overrides."""
    return _FastSQLiteEngine(path)


def _by_id_first(
    operation: "UpdateOperation", selector: _Document | None
) -> "tuple[UpdateOperation, _Document | None]":
    """Let the library look up the `_id` alone, and hold the one document against the whole filter.

    It does so itself where it updates many: a plan by `_id`, and the filter as the selector of what was found. What is
    sorted, hinted or collated stays as it is.
    """
    clause = id_clause(operation.plan)
    if clause is None or selector is not None or operation.sort or operation.hint or operation.collation:
        return operation, selector
    return operation.with_overrides(plan=clause), operation.filter_spec


def _transaction_of(session: Any) -> Any:
    """The session if it is in a transaction; else it has no say in how a write ends.

    The library asks it all the same, and refuses one that its client has closed meanwhile: the write would neither be
    committed nor rolled back, and all that is written later would stand inside it, in no file.
    """
    return session if session is not None and session.in_transaction else None


def _unpublished(context: OperationContext | None) -> OperationContext | None:
    """The same, but the write leaves no row in the outbox of change streams."""
    return context and replace(context, publication=ChangePublicationPolicy.DISABLED)


def _unpublished_with(
    operation: "UpdateOperation", context: OperationContext | None
) -> "tuple[UpdateOperation, OperationContext | None]":
    """The same two: the library wants an operation to carry the very context it is called with."""
    unpublished = _unpublished(context)
    return (operation.with_overrides(context=unpublished) if operation.context is context else operation), unpublished
