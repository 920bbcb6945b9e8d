"""How a scalar's or an enum's value is written down: an expression that tests for the usual kind of value first."""

import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Mapping
from math import isfinite
from types import GeneratorType, MappingProxyType
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.types import base_scalars
from strawberry.types.scalar import ScalarDefinition

from app.api.execution.fields import DEFINITION

type Constant = Callable[[str, Any], str]
"""Names a value for generated code; the answer is the name."""

_INT: Final = 2**31
_PLAIN_READ: Final[Any] = object.__getattribute__
_TESTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        GraphQLString.name: ("type({v}) is str", "{v}"),
        GraphQLID.name: ("type({v}) is str", "{v}"),
        GraphQLBoolean.name: ("type({v}) is bool", "{v}"),
        GraphQLInt.name: (f"type({{v}}) is int and {-_INT} <= {{v}} < {_INT}", "{v}"),
        GraphQLFloat.name: ("type({v}) is float and isfinite({v})", "{v}"),
    }
)
_BUILT_IN: Final = (GraphQLString, GraphQLID, GraphQLBoolean, GraphQLInt, GraphQLFloat)
_STRAWBERRYS: Final[tuple[tuple[ScalarDefinition, type, str], ...]] = (
    (base_scalars.DateTimeDefinition, dt.datetime, "{v}.isoformat()"),
    (base_scalars.DateDefinition, dt.date, "{v}.isoformat()"),
    (base_scalars.TimeDefinition, dt.time, "{v}.isoformat()"),
    (base_scalars.DecimalDefinition, decimal.Decimal, "str({v})"),
    (base_scalars.UUIDDefinition, uuid.UUID, "str({v})"),
)


class UnusualError(Exception):
    """A value that graphql-core has to look at."""


def leaf(
    kind: GraphQLLeafType, constant: Constant, read: str, variable: str, *, required: bool, keeps_moments: bool = False
) -> str:
    """An expression that reads a value once, by `read`, and is what it is in the answer.

    It raises what the serializer raises, or `UnusualError`, where the value is not certain to be right. With
    `keeps_moments` moments in UTC stay what they are: who writes the JSON writes the same text, in a fraction of the
    time.
    """
    slow = constant("leaf", _serialized(kind.coerce_output_value))
    usual = _usual(kind, constant, keeps_moments=keeps_moments)
    given = f"({variable} := {read})"
    if usual is None:
        test, shown = f"{given} is None", "None"
        return f"{slow}({read})" if required else f"({shown} if {test} else {slow}({variable}))"
    test, shown = (part.replace("{v}", variable) for part in usual)
    test = test.replace(variable, given, 1)
    null = "" if required else f"None if {variable} is None else "
    return f"({shown} if {test} else {null}{slow}({variable}))"


def is_settled(value: object) -> bool:
    """Whether a value is there already, is no failure, and is not null: graphql-core would neither await nor raise."""
    return not (value is None or value is Undefined or isinstance(value, Exception) or optimized_is_awaitable(value))


def is_settled_kind(kind: type[Any]) -> bool:
    """Whether every instance of a class is settled, so that asking once is enough: some generators are coroutines."""
    asks = getattr(kind, "__getattr__", None) or getattr(kind, "__getattribute__", None) is not _PLAIN_READ
    return not (
        asks
        or issubclass(kind, Exception)
        or hasattr(kind, "__await__")
        or kind in {type(None), type(Undefined), GeneratorType}
    )


def _usual(kind: GraphQLLeafType, constant: Constant, *, keeps_moments: bool) -> tuple[str, str] | None:
    """A test for the usual values of a type, and what they are in the answer."""
    if isinstance(kind, GraphQLEnumType):
        return _usual_member(kind, constant)
    if any(kind is one for one in _BUILT_IN):
        constant_name = constant("isfinite", isfinite)
        test, shown = _TESTS[kind.name]
        return test.replace("isfinite", constant_name), shown
    definition = kind.extensions.get(DEFINITION)
    for known, python, shown in _STRAWBERRYS:
        if definition is known and kind.coerce_output_value is known.serialize:
            stays = f"{{v}} if {{v}}.tzinfo is {constant('utc', dt.UTC)} else "
            is_kept = keeps_moments and python is dt.datetime
            return f"type({{v}}) is {constant('kind', python)}", f"({stays}{shown})" if is_kept else shown
    return None


def _usual_member(kind: GraphQLEnumType, constant: Constant) -> tuple[str, str] | None:
    members = getattr(kind, "wrapped_cls", None)
    if members is None:
        return None
    names: dict[str, str] = {}
    for member in members:
        try:
            names[member._name_] = kind.coerce_output_value(member)
        except Exception:  # noqa: BLE001, S112 - graphql-core will say what is wrong with this one, if it ever comes
            continue
    return f"type({{v}}) is {constant('members', members)}", f"{constant('names', names)}[{{v}}._name_]"


def _serialized(serialize: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def written(value: Any) -> Any:
        if not is_settled(value):
            raise UnusualError
        shown = serialize(value)
        if not is_settled(shown):
            raise UnusualError
        return shown

    return written
