"""One call of each operation, made from the schema and from the rules, and what its answer comes to."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import (
    GraphQLArgument,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    is_required_argument,
)

from app.api.rule import Named
from tests.api.both import schema
from tests.api.operations import SCHEMA, Samples, selection
from tests.api.shop import Shop

ROOTS: Final = ("Query", "Mutation", "Subscription")
_BESIDE: Final[Mapping[str, Mapping[str, Any]]] = {
    "templateId": {"prompt": None},
    "modelImage": {"modelType": "REAL_MODEL"},
}
"""What else a field that nobody has to give takes, or must not have, in the same input."""


def root_fields() -> Iterator[tuple[str, str, Any]]:
    """Root, name and field."""
    for root in ROOTS:
        kind = SCHEMA.type_map[root]
        assert isinstance(kind, GraphQLObjectType)
        yield from ((root, name, field) for name, field in kind.fields.items())


def fields_below_that_take_ids() -> Iterator[tuple[str, Any]]:
    """`Type.field`, and the field."""
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and kind.name not in {*ROOTS} and not kind.name.startswith("__"):
            yield from ((f"{kind.name}.{name}", one) for name, one in kind.fields.items() if any(ids_of(one)))


def ids_of(field: Any) -> Iterator[str]:
    """The paths of all arguments of a field, and in them, that take ids."""
    for name, argument in field.args.items():
        yield from _ids(name, argument.type, ())


def _ids(path: str, kind: Any, around: tuple[str, ...]) -> Iterator[str]:
    while (inside := getattr(kind, "of_type", None)) is not None:
        kind = inside
    if kind.name == "ID":
        yield path
    if isinstance(kind, GraphQLInputObjectType) and kind.name not in around:
        for name, one in kind.fields.items():
            yield from _ids(f"{path}.{name}", one.type, (*around, kind.name))


@dataclass(frozen=True, slots=True)
class Operation:
    """A field of a root, or `Viewer.field`; its answer is read as far as failures show, or whole."""

    root: str
    name: str
    field: Any

    def text(self, given: Mapping[str, Any], *, whole: bool = False) -> str:
        """It as a document, with these arguments."""
        declared = ", ".join(f"${name}: {self.field.args[name].type}" for name in given)
        passed = ", ".join(f"{name}: ${name}" for name in given)
        shown = selection(self.field.type, 0) if whole else self._failures()
        _, _, below = self.name.rpartition(".")
        asked = f"{below}{f'({passed})' if passed else ''} {shown}"
        inside = f"viewer {{ {asked} }}" if below != self.name else asked
        return f"{self.root.lower()}{f'({declared})' if declared else ''} {{ {inside} }}"

    def _failures(self) -> str:
        if self.root != "Mutation":
            return "{ __typename }"
        payload: Any = self.field.type
        items = "batch { items { nodes { failure { code } } } }" if "batch" in payload.fields else ""
        return f"{{ __typename errors {{ code path message }} {items} }}"

    def variables(self, samples: Samples, wanted: Named | None, identity: str | None) -> dict[str, Any]:
        """Values of all arguments that it takes, the wanted one with that id."""
        path = wanted.path.split(".") if wanted else []
        names = [name for name, one in self.field.args.items() if is_required_argument(one) or path[:1] == [name]]
        own, values = samples.of_operation(self.name), dict[str, Any]()
        for name in names:
            inside = path[1:] if path[:1] == [name] else None
            values[name] = _value(own, name, self.field.args[name].type, inside, identity)
        return values


def _value(samples: Samples, name: str, kind: Any, path: list[str] | None, identity: str | None) -> Any:
    """A value of that type, and in it the id at the path; null for a value as good as any."""
    inside: Any = getattr(kind, "of_type", None)
    if isinstance(kind, GraphQLNonNull):
        return _value(samples, name, inside, path, identity)
    if isinstance(kind, GraphQLList):
        return [_value(samples, name, inside, path, identity)]
    if path is None:
        return samples.of(name, GraphQLArgument(kind))
    if not path:
        return identity
    assert isinstance(kind, GraphQLInputObjectType)
    first, fields = path[0], dict[str, Any](kind.fields)
    others = {} if kind.is_one_of else samples.input(kind)
    beside = {one: value for one, value in _BESIDE.get(first, {}).items() if one in fields}
    return {**others, **beside, first: _value(samples, first, fields[first].type, path[1:], identity)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the data, and code, argument and message of each error, of a payload's too."""

    data: Any
    errors: tuple[tuple[str, str, str], ...]
    items: tuple[str, ...] = ()

    @property
    def codes(self) -> set[str]:
        return {code for code, _, _ in self.errors}

    def shown(self) -> Iterator[str]:
        """The hexadecimal id in each global id that it shows."""
        for text in texts(self.data):
            try:
                _, colon, identity = base64.b64decode(text, validate=True).decode("ascii").partition(":")
            except (binascii.Error, UnicodeDecodeError):
                continue
            if colon:
                yield identity


async def call(shop: Shop, operation: Operation, variables: dict[str, Any], *, whole: bool = False) -> Answer:
    """The answer, or the first message of a subscription."""
    text = operation.text(variables, whole=whole)
    if operation.root == "Subscription":
        stream: Any = await schema.subscribe(text, variables, context_value=shop.context())
        async with aclosing(stream):
            result: Any = await anext(stream)
    else:
        result = await schema.execute(text, variables, context_value=shop.context())
    found: Any = result.data
    for name in (*(("viewer",) if "." in operation.name else ()), operation.name.rpartition(".")[2]):
        found = found[name] if found else None
    return _answer(found, result.errors or [])


def _answer(data: Any, errors: list[Any]) -> Answer:
    told = [_error(one.extensions or {}, one.message) for one in errors]
    payload = cast("dict[str, Any]", data) if isinstance(data, dict) else dict[str, Any]()
    failures: list[Any] = payload.get("errors") or []
    for one in failures:
        place = ".".join(part for part in one.get("path") or () if not part.isdigit())
        told.append(_error({"code": one["code"], "argument": place}, one.get("message", "")))
    batch: Any = payload.get("batch") or {}
    items: list[Any] = batch.get("items", {}).get("nodes", [])
    return Answer(data, tuple(told), tuple(str(one["failure"]["code"]) for one in items if one.get("failure")))


def _error(extensions: Mapping[str, Any], message: str) -> tuple[str, str, str]:
    return str(extensions["code"]), extensions.get("argument") or "", message


def texts(value: Any) -> Iterator[str]:
    """Every text in an answer, or in variables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in cast("Iterable[Any]", value if isinstance(value, list) else value.values()):
            yield from texts(one)
