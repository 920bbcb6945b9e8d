"""How large an operation may be, counted before it runs."""

from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)

from app.api.connections import DEFAULT_PAGE, LARGEST_PAGE
from app.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class _Size:
    """Levels of nesting; aliases, directives and fields with every fragment counted where it is spread.

    `cost` counts each field as often as the lists around it may repeat it.
    """

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    cost: int = 0

    def beside(self, other: "_Size") -> "_Size":
        return _Size(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.fields + other.fields,
            self.cost + other.cost,
        )


MAX = _Size(depth=15, aliases=50, directives=50, fields=1_000, cost=20_000)
MAX_TOKENS = 2_000
"""Of a whole document; above it the parser stops, so that nothing else has to be afraid of its length."""
_INTROSPECTION = frozenset({"__schema", "__type"})


class OperationSize(ValidationRule):
    """Refuses operations above `MAX`; each fragment is measured once, so the cost is that of reading the text.

    Introspection is exempt from depth, which is the tools' choice, and from nothing else.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        definitions = context.document.definitions
        self._fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
        self._known: dict[str, _Size] = {}
        self._lists = _lists(context.schema)
        try:
            for definition in definitions:
                if isinstance(definition, OperationDefinitionNode):
                    self._check(definition)
        except RecursionError:
            self._refuse("This operation nests its fragments too deep. Split it.", None)

    def _check(self, operation: OperationDefinitionNode) -> None:
        size = self._inside(operation.selection_set, frozenset())
        size = size.beside(_Size(directives=len(operation.directives or ())))
        for name in _Size.__slots__:
            count, limit = getattr(size, name), getattr(MAX, name)
            if count > limit:
                self._refuse(f"This operation is too large: {name} {count:,}, at most {limit:,}. Split it.", operation)

    def _refuse(self, message: str, node: OperationDefinitionNode | None) -> None:
        self.report_error(GraphQLError(message, node, extensions={"code": ErrorCode.QUERY_TOO_COMPLEX}))

    def _inside(self, selections: SelectionSetNode | None, spread: frozenset[str]) -> _Size:
        size = _Size()
        for selection in selections.selections if selections else ():
            size = size.beside(self._one(selection, spread))
        return size

    def _one(self, selection: Any, spread: frozenset[str]) -> _Size:
        size = _Size(directives=len(selection.directives or ()))
        if isinstance(selection, FragmentSpreadNode):
            return size.beside(self._fragment(selection.name.value, spread))
        if not isinstance(selection, FieldNode):
            return size.beside(self._inside(selection.selection_set, spread))
        inside = self._inside(selection.selection_set, spread)
        depth = 0 if selection.name.value in _INTROSPECTION else inside.depth + 1
        cost = inside.cost * self._repeats(selection)
        outer = _Size(depth, inside.aliases, inside.directives, inside.fields, cost)
        return size.beside(outer).beside(_Size(aliases=int(selection.alias is not None), fields=1, cost=1))

    def _repeats(self, field: FieldNode) -> int:
        """How often what is inside of a field may come: `first` of a list, at its largest where a variable says it."""
        if field.name.value not in self._lists:
            return 1
        given = next((a.value for a in field.arguments or () if a.name.value == "first"), None)
        if given is None or isinstance(given, NullValueNode):
            return DEFAULT_PAGE
        if isinstance(given, IntValueNode):
            return min(max(int(given.value), 1), LARGEST_PAGE)
        return LARGEST_PAGE

    def _fragment(self, name: str, spread: frozenset[str]) -> _Size:
        if name in spread or name not in self._fragments:  # other rules report a circle and an unknown fragment
            return _Size()
        if name not in self._known:
            self._known[name] = self._inside(self._fragments[name].selection_set, spread | {name})
        return self._known[name]


def _lists(schema: GraphQLSchema) -> frozenset[str]:
    """Names of the fields that take `first`."""
    return frozenset(
        name
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if "first" in field.args
    )
