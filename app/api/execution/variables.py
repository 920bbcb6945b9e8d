"""The values of an operation's variables, quickly where they are plain ones."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    get_variable_values,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

from app.api.execution.plain import without_null

_ERRORS_MAX: Final = 50
_INT: Final = 2**31
_PLAIN: Final[Mapping[Any, Callable[[Any], bool]]] = {
    GraphQLString: lambda value: type(value) is str,
    GraphQLID: lambda value: type(value) is str,
    GraphQLBoolean: lambda value: type(value) is bool,
    GraphQLInt: lambda value: type(value) is int and -_INT <= value < _INT,
    GraphQLFloat: lambda value: type(value) is float and isfinite(value),
}
"""Which values of JSON are what they are in Python, too, whoever coerces them."""


class Variables:
    """Those of one operation, as graphql-core coerces them."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        signatures: list[Any] = [get_variable_signature(schema, one) for one in self._definitions]
        kinds = [without_null(getattr(one, "type", None)) for one in signatures]
        self._plain = (
            [(one.name, one, _PLAIN[kind], required) for one, (required, kind) in zip(signatures, kinds, strict=True)]
            if all(kind in _PLAIN for _, kind in kinds)
            else None
        )

    def values(self, given: Mapping[str, Any] | None, *, hide_suggestions: bool) -> VariableValues | list[Any]:
        """The values; or what is wrong with those that were given."""
        known = self._plainly(given or {})
        if known is not None:
            return known
        return get_variable_values(
            self._schema,
            self._definitions,
            dict(given or {}),
            max_errors=_ERRORS_MAX,
            hide_suggestions=hide_suggestions,
        )

    def _plainly(self, given: Mapping[str, Any]) -> VariableValues | None:
        if self._plain is None:
            return None
        sources, coerced = dict[str, VariableValueSource](), dict[str, Any]()
        for name, signature, is_plain, required in self._plain:
            if name not in given:
                return None
            value = given[name]
            if not is_plain(value) and (value is not None or required):
                return None
            sources[name] = VariableValueSource(signature, value)
            coerced[name] = value
        return VariableValues(sources, coerced)


def is_plain(kind: Any) -> bool:
    """Whether a type's values are coerced to themselves."""
    _, inner = without_null(kind)
    return inner in _PLAIN
