"""What an operation costs, by its own variables, and whose allowance pays for it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, cast, override

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
)
from graphql.language import Visitor, visit
from strawberry.extensions import SchemaExtension

from app.api.allowances import Spent
from app.api.context import Context
from app.api.limits import IDS, MAX, SIZES, Ruler, Size, excesses, too_large
from app.errors import AppError

_REMEMBERED: Final = 256
_ABSENT: Final = object()


class Reckoning:
    """The cost of one operation of a document; what was reckoned for variables of the same sizes is remembered."""

    def __init__(self, document: DocumentNode, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        looker = _Sizes()
        visit(document, looker)
        self._names = tuple(sorted(looker.names))
        self._document, self._schema, self._operation = document, schema, operation
        self._known = dict[tuple[object, ...], int]()

    def cost(self, variables: Mapping[str, Any] | None) -> int:
        """Each field, as often as the lists around it may repeat it."""
        given = variables or {}
        if not self._names and () in self._known:
            return self._known[()]
        sizes = tuple(_size(given.get(name, _ABSENT)) for name in self._names)
        known = self._known.get(sizes)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[sizes] = Ruler(self._document, self._schema, given).measure(self._operation).cost
        return known

    def excesses(self, cost: int) -> list[GraphQLError]:
        """What refuses an operation of that cost; empty when nothing does."""
        if cost <= MAX.cost:
            return []
        return [too_large(message, self._operation) for message in excesses(Size(cost=cost), ("cost",))]


class _Sizes(Visitor):
    """Looks for variables that say how much of a list is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.names = set[str]()

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        """Take the variable, if the argument is such a one."""
        if node.name.value in {IDS, *SIZES} and isinstance(node.value, VariableNode):
            self.names.add(node.value.name.value)


def _size(value: object) -> object:
    """What of a variable matters: a number, or how many there are in a list."""
    if isinstance(value, list | tuple):
        return "items", len(cast("list[object]", value))
    return value if isinstance(value, int | float) or value is None or value is _ABSENT else "other"


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
            reckoning = self._reckoning(context.graphql_document)
            cost = reckoning.cost(context.variables) if reckoning else 0
            if reckoning and (errors := reckoning.excesses(cost)):
                context.pre_execution_errors = errors
            else:
                await self._spend(cost)
        yield

    @override
    def get_results(self) -> dict[str, Any]:
        """`extensions.cost`."""
        spent, self._spent = self._spent, None
        return {"cost": spent.shown()} if spent else {}

    def _reckoning(self, document: DocumentNode) -> Reckoning | None:
        """Of the operation that will run; null where the document has none of that name."""
        context = self.execution_context
        schema = context.schema._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no public way to the core schema
        for one in document.definitions:
            if isinstance(one, OperationDefinitionNode) and context.operation_name in {
                None,
                one.name and one.name.value,
            }:
                return Reckoning(document, schema, one)
        return None

    async def _spend(self, cost: int) -> None:
        asked: object = self.execution_context.context
        if isinstance(asked, Context):
            try:
                self._spent = await asked.edge.allowances.spend(asked.party, cost)
            except AppError as error:
                self.execution_context.pre_execution_errors = [GraphQLError(error.message, original_error=error)]
