"""Operations that were parsed and validated before run again without either.

What the schema's extensions do for others is done here by the same functions: the cost is taken from the allowance and
told, errors are made public.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode
from graphql import ExecutionResult as CoreResult
from graphql.execution import (
    create_source_event_stream,  # pyright: ignore[reportUnknownVariableType] - graphql-core's own types are partial
    map_source_to_response_event,  # pyright: ignore[reportUnknownVariableType] - the same
)
from graphql.execution.values import VariableValues
from strawberry.execution import optimized_is_awaitable
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.api.context import Context
from app.api.edge import Edge
from app.api.errors import public_error
from app.api.execution.executor import Compiled
from app.api.execution.kept import Kept
from app.api.execution.variables import Variables
from app.api.reckoning import Reckoning
from app.errors import AppError


class Key(NamedTuple):
    """What an operation was validated as."""

    query: str
    name: str | None
    introspection: bool
    suggestions: bool


@dataclass(slots=True)
class Prepared:
    """A valid operation of a document, the first of its executors, and how its cost is reckoned.

    `_first` is null until it ran once; the others are made after it.
    """

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    reckoning: Reckoning
    execution: type[Compiled]
    kind: OperationType = field(init=False)
    variables: Variables = field(init=False)
    _first: Compiled | None = None

    def __post_init__(self) -> None:
        self.kind = OperationType[self.operation.operation.name]
        self.variables = Variables(self.schema, self.operation)

    @classmethod
    def of(
        cls, schema: GraphQLSchema, document: DocumentNode, name: str | None, execution: type[Compiled]
    ) -> "Prepared":
        """The operation of that name in a document that is valid."""
        operation = next(
            one
            for one in document.definitions
            if isinstance(one, OperationDefinitionNode) and name in {None, one.name and one.name.value}
        )
        return cls(schema, document, operation, Reckoning(document, schema, operation), execution)

    def executor(
        self,
        context: Any,
        variables: Mapping[str, Any] | None,
        extensions: dict[str, Any] | None,
        *,
        keeps_moments: bool = False,
    ) -> Compiled | list[Any]:
        """One for a request; or what is wrong with its variables. `keeps_moments`: see `Compiled.again`."""
        if self._first is None or self._first.operation_known is None:
            return self._begin(context, variables, extensions)
        values = self.variables.values(variables, hide_suggestions=self._first.hide_suggestions)
        if isinstance(values, list):
            return values
        return self._first.again(context, values, extensions, keeps_moments=keeps_moments)

    def _begin(
        self, context: Any, variables: Mapping[str, Any] | None, extensions: dict[str, Any] | None
    ) -> Compiled | list[Any]:
        name = self.operation.name.value if self.operation.name else None
        built: Compiled | list[Any] = self.execution.build(
            self.schema,
            self.document,
            None,
            context,
            dict(variables or {}),
            name,
            is_awaitable=optimized_is_awaitable,
            operation_extensions=extensions,
        )
        if not isinstance(built, list):
            self._first = built.again(None, VariableValues({}, {}), None)  # it keeps nothing of anybody's
        return built


class PreparedOperations:
    """Those of a schema that were asked for last."""

    def __init__(self) -> None:
        self._known = Kept[Key, Prepared]()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._known)

    @staticmethod
    def key(query: str, name: str | None, edge: Edge) -> Key:
        """What is kept under it came by an edge like that one."""
        return Key(query, name, edge.introspection, edge.suggestions)

    def find(self, query: str | None, name: str | None, edge: Edge) -> Prepared | None:
        """The operation, if it is kept, and may be used by what comes by that edge."""
        if query is None or not edge.compiled:
            return None
        return self._known.find(self.key(query, name, edge))

    def keep(self, key: Key, prepared: Prepared) -> None:
        """Keep it."""
        self._known.keep(key, prepared, len(key.query))


async def run(
    prepared: Prepared,
    context: Context,
    variables: Mapping[str, Any] | None,
    extensions: dict[str, Any] | None,
    *,
    keeps_moments: bool = False,
) -> ExecutionResult | None:
    """Run a query or a mutation; null, and nothing is done, where it is too large to run.

    `keeps_moments`: see `Compiled.again`.
    """
    cost = prepared.reckoning.cost(variables)
    if prepared.reckoning.excesses(cost):
        return None
    try:
        spent = await context.edge.allowances.spend(context.party, cost)
    except AppError as error:
        return PreExecutionError(None, _public([GraphQLError(error.message, original_error=error)], context), {})
    try:
        executor = prepared.executor(context, variables, extensions, keeps_moments=keeps_moments)
        data, errors = await _executed(executor)
    except Exception as error:  # noqa: BLE001 - what a resolver raises is in the errors; this is what else may be wrong
        failed = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        data, errors = None, [failed]
    return ExecutionResult(data, _public(errors, context) if errors else None, {"cost": spent.shown()})


async def followed(
    prepared: Prepared, context: Context, variables: Mapping[str, Any] | None, extensions: dict[str, Any] | None
) -> AsyncGenerator[ExecutionResult]:
    """The results of a subscription, of which the first says what it costs; it is not too large."""
    try:
        spent = await context.edge.allowances.spend(context.party, prepared.reckoning.cost(variables))
    except AppError as error:
        yield PreExecutionError(None, _public([GraphQLError(error.message, original_error=error)], context), {})
        return
    told: dict[str, Any] = {"cost": spent.shown()}
    executor = prepared.executor(context, variables, extensions, keeps_moments=context.outlet is not None)
    begun = executor if isinstance(executor, list) else await _begun(executor, context)
    if isinstance(begun, list):
        yield PreExecutionError(None, _public(begun, context), told)
        return
    try:
        async with aclosing(begun):
            async for result in begun:
                yield ExecutionResult(result.data, _public(result.errors, context) if result.errors else None, told)
                told = {}
    except Exception as error:  # noqa: BLE001 - it ended by something that is in no result: that is told as the last
        failed = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        yield ExecutionResult(None, _public([failed], context), told)


async def _begun(executor: Compiled, context: Context) -> AsyncGenerator[Any] | list[GraphQLError]:
    """The results as graphql-core makes them; or why there are none."""
    if context.outlet is not None:
        context.outlet.executor = executor
    source: Any = create_source_event_stream(executor)
    if optimized_is_awaitable(source):
        source = await source
    if isinstance(source, CoreResult):
        return source.errors or []
    return map_source_to_response_event(executor, source)


async def _executed(
    executor: Compiled | list[GraphQLError],
) -> tuple[dict[str, Any] | None, list[GraphQLError] | None]:
    if isinstance(executor, list):
        return None, executor
    result: Any = executor.execute_operation()
    if optimized_is_awaitable(result):
        result = await result
    return result.data, result.errors


def _public(errors: list[GraphQLError], context: Context) -> list[GraphQLError]:
    return [public_error(error, context.request_id) for error in errors]
