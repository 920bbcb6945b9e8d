"""Regen's kind of schema: what it runs goes the short way once it was valid."""

from collections.abc import Iterable, Iterator
from typing import Any, override

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app.api.context import Context
from app.api.prepared import Prepared, PreparedOperations, followed, run


class OneOperation(SchemaExtension):
    """Refuses a document of several operations when none is named, as the specification asks: which one is meant?"""

    @override
    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        named: str | None = getattr(context, "_provided_operation_name", None)
        definitions = context.graphql_document.definitions if context.graphql_document else ()
        if named is None and sum(isinstance(one, OperationDefinitionNode) for one in definitions) > 1:
            context.pre_execution_errors = [GraphQLError("There are several operations: name one as `operationName`.")]
        yield


class RegenSchema(strawberry.Schema):
    """Subscriptions run where there is something to stream to; a single answer can't hold one.

    `prepared` are the operations that came before and were valid.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType] - Strawberry's own types are partial
        self.prepared = PreparedOperations()

    @override
    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run a query or a mutation.

        Raises:
            InvalidOperationTypeError: it is a subscription.
        """
        allowed = set(allowed_operation_types or (OperationType.QUERY, OperationType.MUTATION))
        allowed -= {OperationType.SUBSCRIPTION}
        if isinstance(context_value, Context):
            prepared = self.prepared.find(query, operation_name, context_value.edge)
            if prepared is not None and prepared.kind in allowed:
                result = await run(prepared, context_value, variable_values, operation_extensions)
                if result is not None:
                    return result
        return await super().execute(
            query, variable_values, context_value, root_value, operation_name, allowed, operation_extensions
        )

    @override
    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> Any:
        """Run any operation; of several that share a socket, each has loaders of its own."""
        if isinstance(context_value, Context):
            context_value = context_value.of_operation()
            prepared = self.prepared.find(query, operation_name, context_value.edge)
            if prepared is not None and _may_follow(prepared, variable_values, allowed_operation_types):
                return followed(prepared, context_value, variable_values, operation_extensions)
        return await super().stream(
            query,
            variable_values,
            context_value,
            root_value,
            operation_name,
            operation_extensions,
            allowed_operation_types,
        )


def _may_follow(prepared: Prepared, variables: dict[str, Any] | None, allowed: Iterable[OperationType] | None) -> bool:
    """Whether it is a subscription that may run, and is not too large."""
    if prepared.kind is not OperationType.SUBSCRIPTION or (allowed is not None and prepared.kind not in allowed):
        return False
    return not prepared.reckoning.excesses(prepared.reckoning.cost(variables))
