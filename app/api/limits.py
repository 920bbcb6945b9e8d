"""How large an operation may be, counted before it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    ValueNode,
    VariableNode,
)

from app.api.connections import DEFAULT_PAGE, LARGEST_PAGE, LARGEST_TREE_PAGE
from app.chats.references import REFERENCES_MAX
from app.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Size:
    """Levels of nesting; aliases, directives and fields with every fragment counted where it is spread.

    `cost` counts each field as often as the lists around it may repeat it.
    """

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    cost: int = 0

    def beside(self, other: "Size") -> "Size":
        """Of both together, side by side."""
        return Size(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.fields + other.fields,
            self.cost + other.cost,
        )


MAX = Size(depth=15, aliases=50, directives=50, fields=1_000, cost=20_000)
MAX_TOKENS = 2_000
"""Of a whole document; above it the parser stops, so that nothing else has to be afraid of its length."""
_DIGITS, _DIGITS_MAX = 9, 300
_INTROSPECTION = frozenset({"__schema", "__type"})
IDS = "ids"
"""The argument of what is asked for by id."""
SIZES = frozenset({"first", "last", "limit"})
"""Arguments that say how much of a list is wanted."""
_LARGEST = MappingProxyType({"descendants": LARGEST_TREE_PAGE, "tree": LARGEST_TREE_PAGE})
"""Of lists whose pages may be larger than others'."""
_UNSIZED: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("ancestors", "changed", "invitations", "members", "revisions"), LARGEST_PAGE),
        "branches": DEFAULT_PAGE,
        "contextImages": REFERENCES_MAX,
        "analysis": REFERENCES_MAX,
    }
)
"""Of lists that come whole and may be long: as many as are reckoned with."""


class OperationSize(ValidationRule):
    """Refuses operations above `MAX`, cost left out: it depends on the variables, and a rule sees the text alone."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        ruler = Ruler(context.document, context.schema, None)
        try:
            for operation in ruler.operations:
                for message in excesses(ruler.measure(operation), ("depth", "aliases", "directives", "fields")):
                    self.report_error(too_large(message, operation))
        except RecursionError:
            self.report_error(too_large("This operation nests its fragments too deep. Split it.", None))


class NumbersInReach(ValidationRule):
    """Refuses integers of more digits than Python reads; other rules would fail over them."""

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        """Look at one."""
        if len(node.value) > _DIGITS_MAX:
            self.report_error(GraphQLError(f"A number has at most {_DIGITS_MAX} digits.", node))


class Ruler:
    """Measures the operations of a document; each fragment once, so that it costs no more than reading the text.

    Introspection is exempt from depth, which is the tools' choice, and from nothing else. Without `variables` the
    cost is not what it will be, and nobody may ask for it.
    """

    def __init__(self, document: DocumentNode, schema: GraphQLSchema, variables: Mapping[str, Any] | None) -> None:
        definitions = document.definitions
        self.operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        self._fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
        self._known: dict[str, Size] = {}
        self._lists = _lists(schema)
        self._given = variables
        self._variables: Mapping[str, Any] = {}

    def measure(self, operation: OperationDefinitionNode) -> Size:
        """The size of one operation."""
        if self._given is not None:  # the defaults, and with them what a fragment costs, are this operation's own
            defaults = {d.variable.name.value: _number(d.default_value) for d in operation.variable_definitions or ()}
            self._variables = {**defaults, **self._given}
            self._known.clear()
        size = self._inside(operation.selection_set, frozenset())
        return size.beside(Size(directives=len(operation.directives or ())))

    def _inside(self, selections: SelectionSetNode | None, spread: frozenset[str]) -> Size:
        size = Size()
        for selection in selections.selections if selections else ():
            size = size.beside(self._one(selection, spread))
        return size

    def _one(self, selection: Any, spread: frozenset[str]) -> Size:
        size = Size(directives=len(selection.directives or ()))
        if isinstance(selection, FragmentSpreadNode):
            return size.beside(self._fragment(selection.name.value, spread))
        if not isinstance(selection, FieldNode):
            return size.beside(self._inside(selection.selection_set, spread))
        inside = self._inside(selection.selection_set, spread)
        depth = 0 if selection.name.value in _INTROSPECTION else inside.depth + 1
        cost = inside.cost * self._repeats(selection)
        outer = Size(depth, inside.aliases, inside.directives, inside.fields, cost)
        return size.beside(outer).beside(Size(aliases=int(selection.alias is not None), fields=1, cost=1))

    def _repeats(self, field: FieldNode) -> int:
        """How often what is inside of a field may come: the size of a list's page, or how many are asked for by id."""
        name = field.name.value
        for argument in field.arguments or ():
            if argument.name.value == IDS:
                return self._how_many(argument.value)
        if name not in self._lists:
            return _UNSIZED.get(name, 1)
        given = [self._value(a.value) for a in field.arguments or () if a.name.value in SIZES]
        # 100.0 is an Int to GraphQL, too
        largest = _LARGEST.get(name, LARGEST_PAGE)
        sizes = [int(min(max(size, 1), largest)) for size in given if isinstance(size, int | float)]
        return max(sizes, default=DEFAULT_PAGE)

    def _value(self, given: ValueNode) -> object:
        return self._variables.get(given.name.value) if isinstance(given, VariableNode) else _number(given)

    def _how_many(self, ids: ValueNode) -> int:
        several = ids.values if isinstance(ids, ListValueNode) else self._value(ids)
        return len(several) if isinstance(several, list | tuple) else LARGEST_PAGE  # pyright: ignore[reportUnknownArgumentType] - of anything

    def _fragment(self, name: str, spread: frozenset[str]) -> Size:
        if name in spread or name not in self._fragments:  # other rules report a circle and an unknown fragment
            return Size()
        if name not in self._known:
            self._known[name] = self._inside(self._fragments[name].selection_set, spread | {name})
        return self._known[name]


def _number(value: ValueNode | None) -> int | None:
    """An integer; one of many digits, which Python refuses to read, is as good as the largest page."""
    if not isinstance(value, IntValueNode):
        return None
    return int(value.value) if len(value.value) <= _DIGITS else LARGEST_TREE_PAGE


def excesses(size: Size, names: tuple[str, ...]) -> list[str]:
    """What is wrong with the size of an operation, in those respects; empty when nothing is."""
    return [
        f"This operation is too large: {name} {getattr(size, name):,}, at most {getattr(MAX, name):,}. Split it."
        for name in names
        if getattr(size, name) > getattr(MAX, name)
    ]


def too_large(message: str, node: OperationDefinitionNode | None) -> GraphQLError:
    """An error with QUERY_TOO_COMPLEX."""
    return GraphQLError(message, node, extensions={"code": ErrorCode.QUERY_TOO_COMPLEX})


@cache
def _lists(schema: GraphQLSchema) -> frozenset[str]:
    """Names of the fields that take the size of a page."""
    return frozenset(
        name
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if not SIZES.isdisjoint(field.args)
    )
