"""Operations on a generated schema: valid ones, of all that GraphQL can say in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, cast

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from hypothesis import strategies as st

_DEPTH: Final = 3
_ALIASES: Final = ("{}", "{}", "{}", "a_{}", "b_{}")
_DIRECTIVES: Final = ("@skip(if: false)", "@include(if: true)", "@skip(if: true)", "@include(if: false)")
_ANY: Final = ("@skip(if: {})", "@include(if: {})", "@skip(if: {}) @include(if: true)")
_INTROSPECTION: Final = (
    "__schema { queryType { name } types { name kind } }",
    'T0: __type(name: "T0") { name fields { name type { name ofType { name } } } interfaces { name } }',
    'Hue: __type(name: "Hue") { enumValues { name } }',
    'nobody: __type(name: "Nobody") { name }',
)
_LITERALS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Int": ("0", "7", "-2147483648"),
        "Float": ("1", "2.5", "-1e10"),
        "String": ('"a"', '""', '"""block"""'),
        "Boolean": ("true", "false"),
        "ID": ("1", '"x"'),
        "Hue": ("RED", "OCEAN", "NIGHT"),
        "Rank": ("LOW", "HIGH"),
        "JSON": ('{a: [1, null, "b"]}', "[1]", "4"),
        "DateTime": ('"2026-01-02T03:04:05Z"',),
        "Near": ("{}", '{text: "t", hue: RED}', "{hue: null}"),
        "Filter": (
            "{number: 1}",
            "{number: 2, numbers: 3, near: {}, name: null}",
            '{number: 1, name: "n", rank: HIGH}',
        ),
        "Checked": ("{number: 7}", "{number: 8}"),
        "Either": ("{number: 1}", '{text: "t"}'),
    }
)
_VALUES: Final[Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        "Int": (0, 7, 3.0),
        "Float": (1, 2.5),
        "String": ("a", ""),
        "Boolean": (True, False),
        "ID": (1, "x"),
        "Hue": ("RED", "NIGHT"),
        "Rank": ("LOW", "HIGH"),
        "JSON": ({"a": [1, None]}, "s"),
        "DateTime": ("2026-01-02T03:04:05+01:00",),
        "Near": ({}, {"text": "t"}),
        "Filter": ({"number": 1}, {"number": 1, "numbers": 2, "near": {"hue": None}, "name": None}),
        "Checked": ({"number": 7}, {"number": 8}),
        "Either": ({"number": 1}, {"text": "t"}),
    }
)
_WRONG: Final[tuple[Any, ...]] = (None, "x", 2**40, [], {}, {"number": "x"}, True)
type Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """A document, the name of the one to run in it, and several sets of variables."""

    text: str
    root: str
    name: str | None
    variables: tuple[Variables, ...]


@dataclass(slots=True)
class _Variable:
    name: str
    type: str
    default: str | None


@dataclass(slots=True)
class _Writing:
    """A document on its way."""

    schema: GraphQLSchema
    draw: st.DrawFn
    fragments: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    variables: dict[str, _Variable] = field(default_factory=dict[str, _Variable])
    calls: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def chance(self, percent: int) -> bool:
        """True that often; what Hypothesis shrinks to is false."""
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def selection(self, parent: Any, depth: int) -> str:
        """What is asked of a type."""
        count = self.draw(st.integers(1, 4))
        return "{ " + " ".join(self._item(parent, depth) for _ in range(count)) + " }"

    def _item(self, parent: Any, depth: int) -> str:
        number = self.draw(st.integers(0, 99))
        if number >= 88:
            return self._spread(parent, depth)
        if number >= 76:
            inside = self._inside(parent)
            on = f" on {inside.name}" if inside is not parent or number % 2 else ""
            return f"...{on} {self.directives()} {self.selection(inside, depth - 1 if depth else 0)}"
        if number >= 70 or isinstance(parent, GraphQLUnionType):
            return self.draw(st.sampled_from(("__typename", "kind: __typename"))) + f" {self.directives()}"
        if parent is self.schema.query_type and number >= 66:
            return self.draw(st.sampled_from(_INTROSPECTION))
        return self.field(parent, depth)

    def field(self, parent: Any, depth: int, *, bare: bool = False) -> str:
        """One of those that fit, with all that it takes; a bare one is always there."""
        fields = [one for one in parent.fields.items() if depth or is_leaf_type(get_named_type(one[1].type))]
        if not fields:
            return "__typename"
        name, chosen = self.draw(st.sampled_from(fields))
        alias, arguments = self._arguments(name, chosen)
        below = "" if is_leaf_type(get_named_type(chosen.type)) else self.selection(_named(chosen.type), depth - 1)
        return f"{alias}{name}{arguments} {'' if bare else self.directives()} {below}"

    def _inside(self, parent: Any) -> Any:
        """A type whose objects may be of the parent, too; most often one that is."""
        if isinstance(parent, GraphQLObjectType):
            return self.draw(st.sampled_from([parent, parent, *parent.interfaces]))
        possible: list[Any] = list(self.schema.get_possible_types(parent))
        above = [parent] if isinstance(parent, GraphQLInterfaceType) else []
        return self.draw(st.sampled_from([*possible, *above])) if possible or above else parent

    def _spread(self, parent: Any, depth: int) -> str:
        inside = self._inside(parent)
        if isinstance(inside, GraphQLUnionType):
            return "__typename"
        known = [name for name, (on, _) in self.fragments.items() if on == inside.name]
        if known and self.chance(50):
            return f"...{self.draw(st.sampled_from(known))} {self.directives()}"
        text = self.selection(inside, depth - 1 if depth else 0)
        name = f"F{len(self.fragments)}"
        self.fragments[name] = (inside.name, text)
        return f"...{name} {self.directives()}"

    def directives(self) -> str:
        """None mostly."""
        if not self.chance(15):
            return ""
        if self.chance(60):
            return self.draw(st.sampled_from(_ANY)).format(self.variable("Boolean!"))
        return self.draw(st.sampled_from(_DIRECTIVES))

    def _arguments(self, name: str, chosen: Any) -> tuple[str, str]:
        """An alias and arguments: the same arguments have the same alias, so that both can be in one answer."""
        given = list[str]()
        for argument, one in chosen.args.items():
            if is_required_argument(one) or self.chance(60):
                given.append(f"{argument}: {self._given(str(one.type))}")
        if not chosen.args:
            alias = self.draw(st.sampled_from(_ALIASES)).format(name)
            return (f"{alias}: " if alias != name else ""), ""
        text = f"({', '.join(given)})" if given else ""
        known = self.calls.setdefault(name, [])
        if text not in known:
            known.append(text)
        return f"{name}_{known.index(text)}: ", text

    def _given(self, kind: str) -> str:
        if self.chance(40):
            return self.variable(kind)
        if not kind.endswith("!") and self.chance(15):
            return "null"
        return self._literal(kind)

    def _literal(self, kind: str) -> str:
        inside = kind.removesuffix("!")
        if inside.startswith("["):
            if not inside.endswith("!]") and self.chance(20):
                return "[null]"
            items = [self._literal(inside[1:-1]) for _ in range(self.draw(st.integers(0, 2)))]
            return f"[{', '.join(items)}]"
        return self.draw(st.sampled_from(_LITERALS[inside]))

    def variable(self, kind: str) -> str:
        """A variable of that type, a new one or one that there is."""
        known = [one.name for one in self.variables.values() if one.type == kind]
        if known and self.chance(50):
            return f"${self.draw(st.sampled_from(known))}"
        default = self._literal(kind) if self.chance(30) else None
        name = f"v{len(self.variables)}"
        self.variables[name] = _Variable(name, kind, default)
        return f"${name}"

    def values(self) -> Variables:
        """Of the variables; some are missing, some wrong."""
        given = dict[str, Any]()
        for one in self.variables.values():
            may_miss = one.default is not None or not one.type.endswith("!")
            if may_miss and self.chance(25):
                continue
            if self.chance(3):
                given[one.name] = self.draw(st.sampled_from(_WRONG))
            else:
                given[one.name] = self._value(one.type)
        return given

    def _value(self, kind: str) -> Any:
        if not kind.endswith("!") and self.chance(20):
            return None
        inside = kind.removesuffix("!")
        if inside.startswith("["):
            return [self._value(inside[1:-1]) for _ in range(self.draw(st.integers(0, 2)))]
        return self.draw(st.sampled_from(_VALUES[inside]))


def _named(kind: Any) -> Any:
    return cast("object", get_named_type(kind))


@st.composite
def operations(draw: st.DrawFn, schema: GraphQLSchema) -> Operation:
    """A query, a mutation or a subscription, alone or beside another."""
    root = draw(st.sampled_from(("Query", "Query", "Query", "Mutation", "Subscription")))
    writing = _Writing(schema, draw)
    kind: Any = schema.type_map[root]
    asked = (
        f"{{ {writing.field(kind, _DEPTH, bare=True)} }}" if root == "Subscription" else writing.selection(kind, _DEPTH)
    )
    named = writing.chance(15)
    declared = ", ".join(
        f"${one.name}: {one.type}{'' if one.default is None else f' = {one.default}'}"
        for one in writing.variables.values()
    )
    parts = [f"{root.lower()} Main{f'({declared})' if declared else ''} {asked}"]
    if named:
        parts.append("query Other { __typename }")
    parts += [f"fragment {name} on {on} {text}" for name, (on, text) in writing.fragments.items()]
    variables = [writing.values()]
    if writing.variables:
        variables.append(writing.values())
    return Operation("\n".join(parts), root, "Main" if named else None, tuple(variables))
