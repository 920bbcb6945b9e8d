"""The embedded database's reads: what an index or the keys of documents can answer is not searched for.

By itself the library reads a whole collection for a page of it, for documents whose field is among some values, and
now and then for what kinds of values there are. See `overrides`, which this is a part of.
"""

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, override

from bson import ObjectId
from mongoeco._types import ObjectId as KeptObjectId  # pyright: ignore[reportPrivateUsage] - pinned
from mongoeco.core.query_plan import (
    AndCondition,
    EqualsCondition,
    GreaterThanCondition,
    GreaterThanOrEqualCondition,
    InCondition,
    LessThanCondition,
    LessThanOrEqualCondition,
    MatchAll,
    QueryNode,
)
from mongoeco.engines._sqlite_connection import sqlite_read_scope  # pyright: ignore[reportPrivateUsage] - pinned
from mongoeco.engines._sqlite_fast_paths import (  # pyright: ignore[reportPrivateUsage] - pinned
    build_select_statement_with_custom_order,
)
from mongoeco.engines.semantic_core import filter_documents, finalize_documents
from mongoeco.engines.sqlite_query import type_expression_sql, value_expression_sql

from app.database.embedded_connections import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mongoeco.engines._sqlite_reader import SQLiteScanReader

_IDS_AT_MOST = 1_000
_OBJECT_ID = "objectid"
"""Its type, as the file has it."""

_OPERATORS: Final = MappingProxyType[type[Any], str](
    {
        LessThanCondition: "<",
        LessThanOrEqualCondition: "<=",
        GreaterThanCondition: ">",
        GreaterThanOrEqualCondition: ">=",
    }
)

type _Document = dict[str, Any]
type _Sql = tuple[str, list[object]]


class Reads(Connections):
    """Those of the embedded database."""

    @override
    def _open_scan_documents_sync(self, reader: "SQLiteScanReader") -> "Iterator[_Document]":
        """Where the filter names the `_id`s, scan those documents alone, in the order of their `_id`s."""
        semantics = reader.semantics
        named = named_ids(semantics.query_plan)
        special = semantics.hint or semantics.collation or semantics.text_query
        if named is None or special or self._is_profile_namespace(reader.coll_name):
            whole: Iterator[_Document] = super()._open_scan_documents_sync(reader)
            return whole
        ids, rest = named
        as_planned = replace(semantics, query_plan=rest, compiled_query=None)
        documents = filter_documents(self._with_ids(reader, ids), as_planned)
        return iter(finalize_documents(documents, as_planned))

    def _with_ids(self, reader: "SQLiteScanReader", ids: list[Any]) -> list[_Document]:
        """The documents of those `_id`s that exist, looked up by their keys, in the order of `ids`."""
        keys = [self._storage_key(value) for value in ids]
        places = ", ".join("?" * len(keys))
        where = f"db_name = ? AND coll_name = ? AND storage_key IN ({places})"
        query = f"SELECT storage_key, document FROM documents WHERE {where}"  # noqa: S608 - only placeholders are put in
        connection = self._require_connection(reader.context)
        with self._bind_connection(connection), sqlite_read_scope(connection):
            rows = connection.execute(query, (reader.db_name, reader.coll_name, *keys)).fetchall()
        found = {key: self._deserialize_document(payload) for key, payload in rows}
        return [found[key] for key in keys if key in found]

    @override
    def _sort_requires_python(self, db_name: str, coll_name: str, plan: QueryNode, sort: Any) -> bool:
        """Not by `_id` where all are ObjectIds: the library would search what is found for one that is none."""
        if not self._is_by_object_id(db_name, coll_name, sort):
            return super()._sort_requires_python(db_name, coll_name, plan, sort)
        return self._plan_has_array_traversing_paths(db_name, coll_name, plan)

    @override
    def _build_scalar_sort_select_sql(
        self,
        db_name: str,
        coll_name: str,
        plan: QueryNode,
        *,
        select_clause: str,
        sort: Any,
        skip: int,
        limit: int | None,
        hint: Any,
    ) -> _Sql | None:
        """In the order of `_id`s that are ObjectIds, as an index has them that ends with `_id`."""
        if hint is not None or not self._is_by_object_id(db_name, coll_name, sort):
            return super()._build_scalar_sort_select_sql(
                db_name, coll_name, plan, select_clause=select_clause, sort=sort, skip=skip, limit=limit, hint=hint
            )
        where, values = self._translate_query_plan_with_multikey(db_name, coll_name, plan)
        order = "ASC" if sort[0][1] == 1 else "DESC"
        return build_select_statement_with_custom_order(
            select_clause=select_clause,
            from_clause="documents",
            namespace_sql="db_name = ? AND coll_name = ?",
            namespace_params=(db_name, coll_name),
            where_fragment=(f"{type_expression_sql('_id')} = '{_OBJECT_ID}' AND ({where})", values),
            order_sql=f" ORDER BY {value_expression_sql('_id')} {order}",
            skip=skip,
            limit=limit,
        )

    def _is_by_object_id(self, db_name: str, coll_name: str, sort: Any) -> bool:
        """Whether it is sorted by `_id` alone, and each of the collection's is an ObjectId."""
        by_id = bool(sort) and len(sort) == 1 and sort[0][0] == "_id" and sort[0][1] in {1, -1}
        return by_id and self._has_object_ids_alone(db_name, coll_name)

    def _has_object_ids_alone(self, db_name: str, coll_name: str) -> bool:
        """Whether each `_id` is an ObjectId: their keys begin alike."""
        of_collection = "SELECT 1 FROM documents WHERE db_name = ? AND coll_name = ? AND storage_key"
        query = f"{of_collection} < ? UNION ALL {of_collection} > ? LIMIT 1"
        first, last = (self._storage_key(KeptObjectId(digit * 24)) for digit in "0f")
        found = self._require_connection().execute(query, (db_name, coll_name, first, db_name, coll_name, last))
        return found.fetchone() is None

    @override
    def _translate_query_plan_with_multikey(self, db_name: str, coll_name: str, plan: QueryNode) -> _Sql:
        """So that an index is used, where one can be."""
        known = self._by_object_ids(db_name, coll_name, plan)
        if known is not None:
            return known
        sql, values = super()._translate_query_plan_with_multikey(db_name, coll_name, plan)
        if isinstance(plan, EqualsCondition) and plan.value is None and self._is_plain(db_name, coll_name, plan.field):
            sql = f"({sql}) AND {type_expression_sql(plan.field)} = '' AND {value_expression_sql(plan.field)} IS NULL"
        return sql, values

    def _by_object_ids(self, db_name: str, coll_name: str, plan: Any) -> _Sql | None:
        """Some ObjectIds of a field that has no arrays, or the `_id`s on one side of an ObjectId; null for others."""
        if isinstance(plan, InCondition):
            values: tuple[Any, ...] = plan.values
            if not (_are_object_ids(values) and self._is_plain(db_name, coll_name, plan.field)):
                return None
            condition = f"IN ({', '.join('?' * len(values))})"
        elif type(plan) in _OPERATORS and plan.field == "_id":
            values, condition = (plan.value,), f"{_OPERATORS[type(plan)]} ?"
            if not (_are_object_ids(values) and self._has_object_ids_alone(db_name, coll_name)):
                return None
        else:
            return None
        of_type, value = type_expression_sql(plan.field), value_expression_sql(plan.field)
        return f"{of_type} = '{_OBJECT_ID}' AND {value} {condition}", [str(one) for one in values]

    def _is_plain(self, db_name: str, coll_name: str, field: str) -> bool:
        """Whether that field is an array nowhere, and within none."""
        within = "." in field or self._find_multikey_index(db_name, coll_name, field) is not None  # pyright: ignore[reportUnknownMemberType] - what it finds
        return not within and not self._field_is_top_level_array_in_collection(db_name, coll_name, field)

    @override
    def _field_is_top_level_array_in_collection(self, db_name: str, coll_name: str, field: str) -> bool:
        """Look into the file as it is now, while nobody writes: what it gives is kept until the next write.

        The library looks into what its reader sees, which may be older than the last write.
        """
        connection = self._connection
        if connection is None:
            return super()._field_is_top_level_array_in_collection(db_name, coll_name, field)
        with self._lock, self._bind_connection(connection):
            return super()._field_is_top_level_array_in_collection(db_name, coll_name, field)


def _are_object_ids(values: tuple[Any, ...]) -> bool:
    return bool(values) and all(isinstance(value, ObjectId) for value in values)


def named_ids(plan: QueryNode) -> tuple[list[Any], QueryNode] | None:
    """The `_id`s without which nothing matches, in their order, and what else has to; null without any.

    Null too where they are of several types.
    """
    clauses: tuple[QueryNode, ...] = plan.clauses if isinstance(plan, AndCondition) else (plan,)
    clause = id_clause(plan)
    if clause is not None:
        return [clause.value], _without(clauses, clause)
    for one in clauses:
        if isinstance(one, InCondition) and one.field == "_id" and 0 < len(one.values) <= _IDS_AT_MOST:
            values: tuple[Any, ...] = one.values
            if _are_object_ids(values) or all(type(value) is str for value in values):
                return sorted(set(values)), _without(clauses, one)
    return None


def id_clause(plan: QueryNode) -> EqualsCondition | None:
    """The clause without which nothing matches and which the library looks up by its key, if the plan has one.

    Only of an ObjectId or a text: 1 equals 1.0 under another key, and null equals what is missing.
    """
    for clause in plan.clauses if isinstance(plan, AndCondition) else ():
        if isinstance(clause, EqualsCondition) and clause.field == "_id":
            value = clause.value
            if isinstance(value, ObjectId) or type(value) is str:
                return clause
    return None


def _without(clauses: tuple[QueryNode, ...], clause: QueryNode) -> QueryNode:
    rest = tuple(one for one in clauses if one is not clause)
    if len(rest) == 1:
        return rest[0]
    return AndCondition(rest) if rest else MatchAll()
