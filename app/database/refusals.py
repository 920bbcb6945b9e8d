"""What a real MongoDB refuses and mongoeco takes: the embedded database refuses it too, so that it is found here."""

from collections.abc import Mapping
from typing import Any

from mongoeco.errors import OperationFailure

_QUERY_FEATURE_NOT_ALLOWED = 224


def refuse_expr(condition: Mapping[str, Any]) -> None:
    """Hold the condition of an upsert against MongoDB's rule: `$expr` can't say what to insert.

    Raises:
        OperationFailure: as MongoDB words it, with its code.
    """
    if _asks_expr(condition):
        message = "$expr is not allowed in the query predicate for an upsert"
        raise OperationFailure(message, code=_QUERY_FEATURE_NOT_ALLOWED)


def _asks_expr(condition: Mapping[str, Any]) -> bool:
    clauses = (clause for name in ("$and", "$or", "$nor") for clause in condition.get(name, ()))
    return "$expr" in condition or any(_asks_expr(clause) for clause in clauses)
