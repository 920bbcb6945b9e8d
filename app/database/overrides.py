"""The embedded database's engine: mongoeco 4.11.0 with two methods made fast.

Both reach into the library's inside; that is why `pyproject.toml` pins its version, and why
`tests/database/test_overrides.py` fails if they no longer take hold.
"""

from typing import Any, override

from mongoeco.core.identity import id_contains_numeric_value
from mongoeco.engines import SQLiteEngine


class _FastSQLiteEngine(SQLiteEngine):
    @override
    def _validate_document_against_unique_indexes(
        self,
        db_name: str,
        coll_name: str,
        document: dict[str, Any],
        *,
        exclude_storage_key: str | None = None,
        skip_id_check: bool = False,
        scan_payload_id: bool = False,
    ) -> None:
        """Scan the collection for an equal `_id` only where one may hide: 1 equals 1.0, an ObjectId only itself."""
        super()._validate_document_against_unique_indexes(
            db_name,
            coll_name,
            document,
            exclude_storage_key=exclude_storage_key,
            skip_id_check=skip_id_check,
            scan_payload_id=scan_payload_id and id_contains_numeric_value(document.get("_id")),
        )

    @override
    def _decode_codec_payload(self, payload: object, *, preserve_bson_wrappers: bool) -> dict[str, Any]:
        """Decode without inspecting the codec's signature for each document: it is always the library's own."""
        document: dict[str, Any] = self._codec.decode(payload, preserve_bson_wrappers=preserve_bson_wrappers)
        return document


def fast_engine(path: str) -> SQLiteEngine:
    """An engine over the SQLite file at `path`, with the overrides."""
    return _FastSQLiteEngine(path)
