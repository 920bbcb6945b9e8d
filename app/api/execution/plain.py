"""Selections of plain attributes, written as one Python function each: it reads, tests and puts together.

What a resolver would find at hand is read with them, without the resolver: see `ready_of`. Where the function can't be
sure of what graphql-core would do it raises, and that part is done again by graphql-core: reading changes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    is_abstract_type,
    is_leaf_type,
)

from app.api.execution.fields import CAST, DEFINITION, attribute_of, is_usual_test, origin_of, ready_of
from app.api.execution.leaves import UnusualError, is_settled, is_settled_kind, leaf

type Details = list[Any]
"""graphql-core's: the nodes that ask for one field."""

type Groups = dict[str, Details]
"""graphql-core's: the fields of a selection, by the names they have in the answer."""

_TYPENAME: Final = "__typename"
_LEVELS_MAX: Final = 15
"""Of loops in loops: Python takes no more than twenty."""


class NotPlainError(Exception):
    """There is more to it than attributes."""


class Collect(Protocol):
    """Which fields are asked for below others, for values of a type."""

    def __call__(self, kind: GraphQLObjectType, details: Details, /) -> Groups:
        """The fields."""
        ...


class Arguments(Protocol):
    """How the arguments of a field are read, of the executor of an operation."""

    def __call__(self, kind: GraphQLObjectType, name: str, details: Details, /) -> Callable[[Any], dict[str, Any]]:
        """A function that reads them."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What functions are written for; `keeps_moments`: see `leaf`. Without `arguments` nothing is taken for ready."""

    schema: GraphQLSchema
    collect: Collect
    arguments: Arguments | None = None
    keeps_moments: bool = False


@dataclass(frozen=True, slots=True)
class Plain[**P, T]:
    """A function; `is_sure`: all that it reads is always there, so that it fails for unusual values alone."""

    call: Callable[P, T]
    is_sure: bool


def plain_fields(
    asked: Asked, kind: GraphQLObjectType, groups: Iterable[tuple[str, Details]]
) -> Plain[[Any, dict[str, Any], Any], None]:
    """A function of a value, an answer and the executor, that puts those fields into the answer, in their order.

    Raises:
        NotPlainError: not all of them are plain, down to their leaves.
    """
    writer = _Writer(asked)
    for name, details in groups:
        shown = writer.field(kind, "value", details, 1)
        writer.line(1, f"answer[{name!r}] = {shown}")
    return writer.function("value, answer, executor")


def plain_value(asked: Asked, kind: Any, details: Details) -> Plain[[Any, Any], Any]:
    """A function of a value and the executor, that shows a value of any type; see `plain_fields`."""
    writer = _Writer(asked)
    writer.line(1, f"return {writer.value(kind, 'value', details, 1)}")
    return writer.function("value, executor")


def without_null(kind: Any) -> tuple[bool, Any]:
    """Whether a type takes no null, and the type without that."""
    required = isinstance(kind, GraphQLNonNull)
    inner: Any = cast("Any", kind).of_type if required else kind
    return required, inner


class _Writer:
    """Writes the body of one function."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._schema = asked.schema
        self._lines: list[str] = []
        self._before: list[str] = []
        self._constants: dict[str, Any] = {"Unusual": UnusualError}
        self._names = 0

    def line(self, depth: int, text: str) -> None:
        self._lines.append("    " * depth + text)

    def function(self, parameters: str) -> Plain[..., Any]:
        text = "\n".join([f"def plain({parameters}):", *self._before, *self._lines])
        try:
            exec(compile(text, "<compiled selection>", "exec"), self._constants)  # noqa: S102 - names in it are ours, or GraphQL's and quoted
        except (SyntaxError, RecursionError, MemoryError) as error:  # too deep for Python
            raise NotPlainError from error
        return Plain(self._constants["plain"], is_sure=not self._before)

    def field(self, kind: GraphQLObjectType, source: str, details: Details, depth: int) -> str:
        """Write what reads a field of the value named `source`; the answer is an expression of what it shows."""
        name: str = details[0].node.name.value
        if name == _TYPENAME:
            return repr(kind.name)
        field: Any = self._schema.get_field(kind, name)
        attribute = None if field is None else attribute_of(field)
        if field is None:
            raise NotPlainError
        read = self._ready(kind, field, source, details) if attribute is None else f"{source}.{attribute}"
        return self.value(field.type, read, details, depth)

    def _ready(self, kind: GraphQLObjectType, field: GraphQLField, source: str, details: Details) -> str:
        """An expression that reads what a resolver would find at hand."""
        ready = None if self._asked.arguments is None else ready_of(field)
        if ready is None or self._asked.arguments is None:
            raise NotPlainError
        if not self._before:
            self._before.append("    context = executor.context_value")
        call = self._constant("ready", ready)
        if not field.args:
            return f"{call}({source}, context)"
        arguments = self._name("arguments")
        read = self._constant("read", self._asked.arguments(kind, details[0].node.name.value, details))
        self._before.append(f"    {arguments} = {read}(executor)")
        return f"{call}({source}, context, **{arguments})"

    def value(self, kind: Any, read: str, details: Details, depth: int) -> str:
        """Write what completes the value that `read` reads."""
        required, inner = without_null(kind)
        if is_leaf_type(inner):
            variable = self._name("leaf")
            moments = self._asked.keeps_moments
            return leaf(inner, self._constant, read, variable, required=required, keeps_moments=moments)
        if depth > _LEVELS_MAX:
            raise NotPlainError
        value, shown = read if read.isidentifier() else self._name("value"), self._name("shown")
        if value != read:
            self.line(depth, f"{value} = {read}")
        if not required:  # what is tested below refuses a null
            self.line(depth, f"if {value} is None: {shown} = None")
            self.line(depth, "else:")
            depth += 1
        if isinstance(inner, GraphQLList):
            self._list(cast("Any", inner), value, shown, details, depth)
        elif isinstance(inner, GraphQLObjectType):
            self._object(inner, value, shown, details, depth)
        else:
            self._abstract(inner, value, shown, details, depth)
        return shown

    def _list(self, kind: GraphQLList[Any], value: str, shown: str, details: Details, depth: int) -> None:
        self.line(depth, f"if type({value}) is not list and type({value}) is not tuple: raise Unusual")
        item = self._name("item")
        self.line(depth, f"{shown} = []")
        self.line(depth, f"for {item} in {value}:")
        self.line(depth + 1, f"{shown}.append({self.value(kind.of_type, item, details, depth + 1)})")

    def _object(self, kind: GraphQLObjectType, value: str, shown: str, details: Details, depth: int) -> None:
        self._check(kind, value, depth)
        fields = [
            (name, self.field(kind, value, one, depth)) for name, one in self._asked.collect(kind, details).items()
        ]
        self.line(depth, f"{shown} = {{{', '.join(f'{name!r}: {field}' for name, field in fields)}}}")

    def _check(self, kind: GraphQLObjectType, value: str, depth: int) -> None:
        """Write what makes sure that graphql-core would take the value for one of that type."""
        origin = origin_of(kind)
        if kind.is_type_of is None:
            known = self._constant("settled", set[type]())
            check = self._constant("check", _settled_check(self._constants[known]))
            self.line(depth, f"if type({value}) not in {known}: {check}({value})")
        elif is_usual_test(kind) and origin is not None and is_settled_kind(origin):
            check = self._constant("check", _type_check(kind))
            cast = f"getattr({value}, {CAST!r}, None) is not None"
            self.line(depth, f"if type({value}) is not {self._constant('origin', origin)} or {cast}: {check}({value})")
        else:
            raise NotPlainError

    def _abstract(self, kind: Any, value: str, shown: str, details: Details, depth: int) -> None:
        """Write one way for each class that stands for a type of its own."""
        self.line(depth, f"if getattr({value}, {CAST!r}, None) is not None: raise Unusual")
        way = "if"
        for one, origin in _classes(self._schema, kind).items():
            self.line(depth, f"{way} type({value}) is {self._constant('origin', origin)}:")
            self._object(one, value, shown, details, depth + 1)
            way = "elif"
        if way == "if":
            raise NotPlainError
        self.line(depth, "else: raise Unusual")

    def _name(self, what: str) -> str:
        self._names += 1
        return f"{what}_{self._names}"

    def _constant(self, what: str, value: Any) -> str:
        name = self._name(what.upper())
        self._constants[name] = value
        return name


def _settled_check(known: set[type]) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not is_settled(value):
            raise UnusualError
        kind = cast("Any", type(value))
        if is_settled_kind(kind):
            known.add(kind)

    return check


def _type_check(kind: GraphQLObjectType) -> Callable[[Any], None]:
    is_type_of: Any = kind.is_type_of

    def check(value: Any) -> None:
        if not is_settled(value) or not is_type_of(value, None):
            raise UnusualError

    return check


def _classes(schema: GraphQLSchema, kind: GraphQLAbstractType) -> dict[GraphQLObjectType, type]:
    """The types that a value of an interface or a union may be of, by its class alone, and the classes.

    Raises:
        NotPlainError: the type is told in a way of its own.
    """
    resolve = getattr(kind.resolve_type, "__code__", None)
    usual = {GraphQLInterfaceType: "_get_resolve_type.<locals>.resolve_type", GraphQLUnionType: "_resolve_union_type"}
    if not is_abstract_type(kind) or resolve is None or not resolve.co_qualname.endswith(usual[type(kind)]):
        raise NotPlainError
    return {one: origin for one in schema.get_possible_types(kind) if (origin := _class(kind, one)) is not None}


def _class(kind: GraphQLAbstractType, one: GraphQLObjectType) -> type | None:
    """The class whose own instances are of that type, and of no other."""
    definition, origin = one.extensions.get(DEFINITION), origin_of(one)
    if definition is None or origin is None or not is_settled_kind(origin):
        return None
    if definition.concrete_of is not None or definition.is_graphql_generic or definition.name != one.name:
        return None
    if getattr(origin, "__strawberry_definition__", None) is not definition:
        return None
    if isinstance(kind, GraphQLInterfaceType) and not issubclass(origin, kind.extensions[DEFINITION].origin):
        return None
    return origin if one.is_type_of is None or is_usual_test(one) else None
