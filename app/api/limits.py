"""How large an operation may be, counted before it runs."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, override

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
from strawberry.extensions import SchemaExtension

from app.api.allowances import Spent
from app.api.connections import DEFAULT_PAGE, LARGEST_PAGE, LARGEST_TREE_PAGE
from app.api.context import Context
from app.chats.references import REFERENCES_MAX
from app.errors import AppError, ErrorCode


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
_DIGITS, _DIGITS_MAX = 9, 300
_INTROSPECTION = frozenset({"__schema", "__type"})
_IDS = "ids"
"""The argument of what is asked for by id."""
_SIZES = frozenset({"first", "last", "limit"})
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
        ruler = _Ruler(context.document, context.schema, None)
        try:
            for operation in ruler.operations:
                for message in _excesses(ruler.measure(operation), ("depth", "aliases", "directives", "fields")):
                    self.report_error(_too_large(message, operation))
        except RecursionError:
            self.report_error(_too_large("This operation nests its fragments too deep. Split it.", None))


class NumbersInReach(ValidationRule):
    """Refuses integers of more digits than Python reads; other rules would fail over them."""

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        """Look at one."""
        if len(node.value) > _DIGITS_MAX:
            self.report_error(GraphQLError(f"A number has at most {_DIGITS_MAX} digits.", node))


class OperationCost(SchemaExtension):
    """Refuses an operation whose lists in lists may come to more than `MAX.cost` fields, by its own variables.

    What it costs is taken from the allowance of who asks, and told in `extensions.cost`: once an operation, with the
    first of its answers.
    """

    _spent: Spent | None = None

    @override
    async def on_validate(self) -> AsyncIterator[None]:
        """After the other rules, of which this needs a document that keeps them."""
        context = self.execution_context
        if context.graphql_document and not context.pre_execution_errors:
            cost, operation = self._cost(context.graphql_document)
            if excesses := _excesses(_Size(cost=cost), ("cost",)):
                context.pre_execution_errors = [_too_large(message, operation) for message in excesses]
            else:
                await self._spend(cost)
        yield

    @override
    def get_results(self) -> dict[str, Any]:
        """`extensions.cost`."""
        spent, self._spent = self._spent, None
        return {"cost": spent.shown()} if spent else {}

    def _cost(self, document: DocumentNode) -> tuple[int, OperationDefinitionNode | None]:
        """Of the operation that will run."""
        context = self.execution_context
        ruler = _Ruler(document, context.schema._schema, context.variables or {})  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no public way to the core schema
        for operation in ruler.operations:
            if context.operation_name in {None, operation.name and operation.name.value}:
                return ruler.measure(operation).cost, operation
        return 0, None

    async def _spend(self, cost: int) -> None:
        asked: object = self.execution_context.context
        if isinstance(asked, Context):
            try:
                self._spent = await asked.edge.allowances.spend(asked.party, cost)
            except AppError as error:
                self.execution_context.pre_execution_errors = [GraphQLError(error.message, original_error=error)]


class _Ruler:
    """Measures the operations of a document; each fragment once, so that it costs no more than reading the text.

    Introspection is exempt from depth, which is the tools' choice, and from nothing else. Without `variables` the
    cost is not what it will be, and nobody may ask for it.
    """

    def __init__(self, document: DocumentNode, schema: GraphQLSchema, variables: Mapping[str, Any] | None) -> None:
        definitions = document.definitions
        self.operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        self._fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
        self._known: dict[str, _Size] = {}
        self._lists = _lists(schema)
        self._given = variables
        self._variables: Mapping[str, Any] = {}

    def measure(self, operation: OperationDefinitionNode) -> _Size:
        """The size of one operation."""
        if self._given is not None:  # the defaults, and with them what a fragment costs, are this operation's own
            defaults = {d.variable.name.value: _number(d.default_value) for d in operation.variable_definitions or ()}
            self._variables = {**defaults, **self._given}
            self._known.clear()
        size = self._inside(operation.selection_set, frozenset())
        return size.beside(_Size(directives=len(operation.directives or ())))

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
        """How often what is inside of a field may come: the size of a list's page, or how many are asked for by id."""
        name = field.name.value
        for argument in field.arguments or ():
            if argument.name.value == _IDS:
                return self._how_many(argument.value)
        if name not in self._lists:
            return _UNSIZED.get(name, 1)
        given = [self._value(a.value) for a in field.arguments or () if a.name.value in _SIZES]
        # 100.0 is an Int to GraphQL, too
        largest = _LARGEST.get(name, LARGEST_PAGE)
        sizes = [int(min(max(size, 1), largest)) for size in given if isinstance(size, int | float)]
        return max(sizes, default=DEFAULT_PAGE)

    def _value(self, given: ValueNode) -> object:
        return self._variables.get(given.name.value) if isinstance(given, VariableNode) else _number(given)

    def _how_many(self, ids: ValueNode) -> int:
        several = ids.values if isinstance(ids, ListValueNode) else self._value(ids)
        return len(several) if isinstance(several, list | tuple) else LARGEST_PAGE  # pyright: ignore[reportUnknownArgumentType] - of anything

    def _fragment(self, name: str, spread: frozenset[str]) -> _Size:
        if name in spread or name not in self._fragments:  # other rules report a circle and an unknown fragment
            return _Size()
        if name not in self._known:
            self._known[name] = self._inside(self._fragments[name].selection_set, spread | {name})
        return self._known[name]


def _number(value: ValueNode | None) -> int | None:
    """An integer; one of many digits, which Python refuses to read, is as good as the largest page."""
    if not isinstance(value, IntValueNode):
        return None
    return int(value.value) if len(value.value) <= _DIGITS else LARGEST_TREE_PAGE


def _excesses(size: _Size, names: tuple[str, ...]) -> list[str]:
    return [
        f"This operation is too large: {name} {getattr(size, name):,}, at most {getattr(MAX, name):,}. Split it."
        for name in names
        if getattr(size, name) > getattr(MAX, name)
    ]


def _too_large(message: str, node: OperationDefinitionNode | None) -> GraphQLError:
    return GraphQLError(message, node, extensions={"code": ErrorCode.QUERY_TOO_COMPLEX})


@cache
def _lists(schema: GraphQLSchema) -> frozenset[str]:
    """Names of the fields that take the size of a page."""
    return frozenset(
        name
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if not _SIZES.isdisjoint(field.args)
    )
