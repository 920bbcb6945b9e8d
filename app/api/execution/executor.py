"""graphql-core's executor, with compiled plans where there are some and itself everywhere else."""

from collections.abc import Awaitable
from typing import Any, Self, override

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution.collect_fields import CollectedFields
from graphql.execution.executor import CollectedErrors
from graphql.execution.types import ExecutionResult
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from graphql.type import GraphQLResolveInfoHelpers
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.api.execution.operations import Operation, Operations, Plans
from app.api.execution.plain import Details, Groups
from app.api.execution.plans import shown_if_usual


class Compiled(StrawberryGraphQLCoreExecutionContext):
    """Executes an operation by its plans, from the second time that it is asked for; a subscription from the first.

    `arguments` are those of resolvers that are the same for every object, by the resolver's plan.
    """

    plans: Plans | None = None
    operation_known: Operation | None = None
    arguments: dict[Any, dict[str, Any]]

    @classmethod
    @override
    def build(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        raw_variable_values: dict[str, Any] | None = None,
        operation_name: str | None = None,
        *given: Any,
        is_compiled: bool = True,
        **named: Any,
    ) -> Any:
        """Make one; see graphql-core. Unless `is_compiled` it is graphql-core's own in all it does."""
        at_once = _is_subscription(document, operation_name)
        known = Operations.of(schema).find(document, operation_name, at_once=at_once) if is_compiled else None
        if known is not None:
            document = known.document
        built: Any = super().build(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - graphql-core's own types are partial
            schema, document, root_value, context_value, raw_variable_values, operation_name, *given, **named
        )
        if isinstance(built, cls):
            built.arguments = {}
            built.operation_known = known if built.is_plain else None
            if built.operation_known is not None:
                built.plans = built.operation_known.plans(built.variable_values.coerced)
        return built  # pyright: ignore[reportUnknownVariableType] - the same

    def again(
        self,
        context_value: Any,
        variable_values: VariableValues,
        operation_extensions: Any,
        *,
        keeps_moments: bool = False,
    ) -> Self:
        """One more for the same operation: for another context, and for values that were coerced for it.

        `keeps_moments`: what it answers is written as JSON by orjson, and may hold moments.
        """
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__.copy()
        other.context_value = context_value
        other.variable_values = variable_values
        other.operation_extensions = operation_extensions
        other.collected_errors = CollectedErrors()
        other.pending_incremental_futures, other.background_futures = set(), set()
        other.groups, other.tasks, other.streams = [], [], []
        other.arguments = {}
        known = self.operation_known
        other.plans = None if known is None else known.plans(variable_values.coerced, keeps_moments=keeps_moments)
        if other.plans is None:
            other._relevant_sub_fields = {}
        return other

    @property
    def is_plain(self) -> bool:
        """Whether nothing wraps resolvers, watches or may abort the execution."""
        return (
            self.abort_signal is None
            and self.hooks is None
            and not getattr(self.middleware_manager, "middlewares", None)
            and self.error_propagation
        )

    def collect(self, kind: GraphQLObjectType, details: Details) -> CollectedFields:
        """What graphql-core collects."""
        return super().collect_subfields(kind, details)

    @override
    def collect_subfields(self, return_type: GraphQLObjectType, field_details_list: Details) -> CollectedFields:
        """What is asked for below a field."""
        if self.plans is None:
            return super().collect_subfields(return_type, field_details_list)
        found: CollectedFields = self.plans.collected(self, return_type, field_details_list)
        return found

    @property
    def async_helpers(self) -> GraphQLResolveInfoHelpers:
        """What resolvers may use to wait for more than one thing; made where one may ask, not for each operation."""
        return GraphQLResolveInfoHelpers(gather=self.gather_async_work, track=self.track_async_work)

    @async_helpers.setter
    def async_helpers(self, _: object) -> None:  # pyright: ignore[reportIncompatibleVariableOverride] - an attribute there
        """Take graphql-core's for those above."""

    @override
    def build_response(self, data: Any) -> Any:
        """The answer; nothing of it is delivered later where everything is planned."""
        if self.plans is None:
            return super().build_response(data)
        return ExecutionResult(data, self.collected_errors.errors or None)

    @override
    def execute_operation(self, serially: bool | None = None) -> Any:
        """Execute the operation; what its root asks for need not be collected again."""
        if self.plans is None or self.plans.root is None:
            return super().execute_operation(serially)
        kind = self.operation.operation
        root_type: Any = self.plans.root_type
        in_turn = kind is OperationType.MUTATION if serially is None else serially
        try:
            data: Any = self.execute_root_grouped_field_set(
                root_type,
                self.root_value,
                self.plans.root,
                in_turn,
                None,
            )
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            return self.build_response(None)
        return self._answered(data) if optimized_is_awaitable(data) else self.build_response(data)

    async def _answered(self, data: Awaitable[Any]) -> Any:
        try:
            return self.build_response(await data)
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            return self.build_response(None)

    @override
    def execute_collected_root_fields(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: Groups,
        serially: bool,
        new_defer_usages: Any,
    ) -> Any:
        """Execute the root's fields, always the same lists of them."""
        if self.plans is not None:
            grouped_field_set = self.plans.root = self.plans.root or grouped_field_set
            self.plans.root_type = root_type
        return super().execute_collected_root_fields(
            root_type, root_value, grouped_field_set, serially, new_defer_usages
        )

    @override
    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Groups,
        position_context: Any,
    ) -> Any:
        """Execute the fields of an object."""
        if self.plans is None or position_context is not None:
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        return self.plans.fields(self, parent_type, grouped_field_set).execute(self, source_value, path)

    @override
    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: Details,
        info: Any,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete a list."""
        if self.plans is not None and position_context is None and type(result) in {list, tuple}:
            plan = self.plans.items(self, return_type, field_details_list)
            if plan.many is not None:
                return plan.many.execute(self, result, path, lambda: info)
            shown = None if plan.quick is None else shown_if_usual(plan.quick, result, self)
            if shown is not None:
                return shown
        return super().complete_list_value(  # pyright: ignore[reportUnknownMemberType] - graphql-core's own types are partial
            return_type, field_details_list, info, path, result, position_context
        )


def _is_subscription(document: DocumentNode, name: str | None) -> bool:
    return any(
        isinstance(one, OperationDefinitionNode)
        and one.operation is OperationType.SUBSCRIPTION
        and name in {None, one.name and one.name.value}
        for one in document.definitions
    )
