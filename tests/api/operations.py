"""Operations made by looking at the schema: every field with its arguments, alone and two at a time.

A new field joins by itself. One with an argument that nobody knows a value for says so.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any, Final, cast
from uuid import uuid4

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from app.api.schema import schema_text
from app.database.document import utc_now

SCHEMA: Final[GraphQLSchema] = build_schema(schema_text())
CURSORS: Final = frozenset({"after", "before"})
_BY_TYPE: Final[Mapping[str, Any]] = {"Int": 2, "Float": 0.5, "Boolean": True, "String": "shine"}
_BY_NAME: Final[Mapping[str, Any]] = {"password": "a quiet sea at night", "backgroundColor": "white"}
_CHOSEN: Final[Mapping[str, Sequence[str]]] = {
    "DeleteAccountInput": ("password",),
    "EstimateInput": ("regenerateImage",),
    "RegenerateImageInput": ("prompt",),
    "RegenerateImagesInput": ("ids", "prompt"),
    "RegenerateDreamsInput": ("ids",),
    "UpdateDreamInput": ("title",),
    "UpdateProjectInput": ("name",),
    "UpdateFrameInput": ("title",),
    "UpdateContextInput": ("title",),
    "SetFramePictureInput": ("imageId",),
    "SendMessageInput": ("prompt",),
}
"""Fields of inputs that nobody has to give, but without which there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Values for arguments: `ids` are global ids by the name of the argument or input field, and by type.

    A value of a scalar that is none of GraphQL's own is there as `name: Scalar`.
    """

    ids: Mapping[str, Any]

    def of_operation(self, operation: str) -> "Samples":
        """The same, but for those that are kept for that mutation or subscription (`retryGeneration.id`)."""
        own = {
            name.removeprefix(f"{operation}."): one
            for name, one in self.ids.items()
            if name.startswith(f"{operation}.")
        }
        return Samples({**self.ids, **own})

    def of(self, name: str, given: Any) -> Any:
        """A value of that argument.

        Raises:
            LookupError: nobody has thought of one yet.
        """
        return self._value(name, given.type)

    def _value(self, name: str, kind: Any) -> Any:
        inside: Any = getattr(kind, "of_type", None)
        if isinstance(kind, GraphQLNonNull):
            return self._value(name, inside)
        if isinstance(kind, GraphQLList):
            return [self._value(name, inside)]
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            return self.input(kind)
        return self._scalar(name, kind.name)

    def _scalar(self, name: str, kind: str) -> Any:
        if kind == "ID":
            return self.ids[name]
        if kind == "DateTime":
            away = timedelta(hours=1 if name.endswith("Before") or name == "to" else -1)
            return (utc_now() + away).isoformat()
        if name == "email":
            return f"{uuid4().hex}@example.com"
        if name == "idempotencyKey":
            return uuid4().hex
        return _BY_NAME.get(name, _BY_TYPE.get(kind)) if kind in _BY_TYPE else self.ids[f"{name}: {kind}"]

    def input(self, kind: GraphQLInputObjectType) -> dict[str, Any]:
        """An input with what it has to have, and the rest where it does not contradict it."""
        if kind.name == "PictureInput":
            return {"id": self.ids["Picture"]}
        chosen = _CHOSEN.get(kind.name, ())
        fields = {name: one for name, one in kind.fields.items() if is_required_input_field(one) or name in chosen}
        return {name: self.of(name, one) for name, one in fields.items()}


def selection(kind: Any, deep: int = 1) -> str:
    """All that a value of that type shows without arguments; of the objects in it as much, if `deep`, else the id.

    A list's objects are its `nodes`: the edges show their cursors alone.
    """
    named = _named(kind)
    if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        return ""
    if deep < 0 and is_node(named):
        return "{ __typename id }"
    fields: dict[str, Any] = dict(named.fields)
    shown = [f"{name} {inside}" for name, field in fields.items() if (inside := _inside(field, deep))]
    leaves = [name for name, field in fields.items() if is_leaf_type(_named(field.type))]
    return "{ __typename " + " ".join([*leaves, *shown]) + " }"


def _named(kind: Any) -> GraphQLNamedType:
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = cast("Any", kind).of_type
    named: GraphQLNamedType = kind
    return named


def _inside(field: Any, deep: int) -> str:
    named = _named(field.type)
    if is_leaf_type(named) or any(is_required_argument(one) for one in field.args.values()):
        return ""
    if named.name.endswith("Edge"):
        return "{ cursor }"
    return selection(field.type, deep - 1 if is_node(named) else deep)


def is_node(kind: object) -> bool:
    """Whether it can be fetched by its id."""
    if isinstance(kind, GraphQLObjectType):
        return any(one.name == "Node" for one in kind.interfaces)
    return isinstance(kind, GraphQLInterfaceType) and kind.name == "Node"


def nodes() -> list[GraphQLObjectType]:
    """The types of objects that can be fetched by their ids."""
    return [kind for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLObjectType) and is_node(kind)]


def choices(field: GraphQLField) -> Iterator[tuple[str, ...]]:
    """Sets of arguments of a field: those it has to have, with none, one, all and, with FULL=1, two of the others."""
    needed = tuple(name for name, one in field.args.items() if is_required_argument(one))
    others = [name for name in field.args if name not in needed]
    counts: Sequence[int] = sorted(
        {0, 1, *((2,) if os.environ.get("FULL") else ()), len(others)} & set(range(len(others) + 1))
    )
    for count in counts:
        yield from ((*needed, *chosen) for chosen in combinations(others, count))
