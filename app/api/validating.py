"""Documents are validated once for each text, by GraphQL's rules and by this server's own."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, override

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    specified_rules,
    validate,
)
from graphql.execution import Executor
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.api.context import Context
from app.api.edge import Edge
from app.api.limits import NumbersInReach, OperationSize
from app.api.overlaps import Overlaps

_CACHED_OPERATIONS = 100
_RULES_WITHOUT_INTROSPECTION = (*specified_rules, NoSchemaIntrospectionCustomRule)


class Validation(SchemaExtension):
    """Validates, as the context's edge wants it: with or without suggestions and introspection."""

    @override
    def on_validate(self) -> Iterator[None]:
        """Before the rules that look at names and variables."""
        context = self.execution_context
        if context.graphql_document:
            edge = _edge_of(context.context)
            schema = context.schema._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no public way to the core schema
            errors = _validated(schema, context.graphql_document, edge.introspection, edge.suggestions)
            context.pre_execution_errors = list(errors)
        yield


class Execution(StrawberryGraphQLCoreExecutionContext):
    """Says of wrong variables what may have been meant only where the edge wants that."""

    @classmethod
    @override
    def build(cls, *given: Any, **named: Any) -> Any:
        """Make one; see graphql-core. The fourth argument is the context, whose outlet is told."""
        context: object = given[3]
        named["hide_suggestions"] = not _edge_of(context).suggestions
        built: Any = super().build(*given, **named)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - graphql-core's own types are partial
        if isinstance(context, Context) and context.outlet is not None and isinstance(built, Executor):
            context.outlet.executor = built
        return built


@lru_cache(_CACHED_OPERATIONS)
def _validated(
    schema: GraphQLSchema,
    document: DocumentNode,
    introspection: bool,  # noqa: FBT001 - parts of the cache's key
    suggestions: bool,  # noqa: FBT001 - the same
) -> tuple[GraphQLError, ...]:
    """What is too large comes first: other rules are slow with it, or fail."""
    rules = specified_rules if introspection else _RULES_WITHOUT_INTROSPECTION
    too_large = validate(schema, document, [OperationSize, NumbersInReach, Overlaps])
    return tuple(too_large or validate(schema, document, rules, hide_suggestions=not suggestions))


def _edge_of(context: object) -> Edge:
    return context.edge if isinstance(context, Context) else Edge()
