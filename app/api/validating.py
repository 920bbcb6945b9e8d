"""Documents are validated once for each text, by GraphQL's rules and by this server's own."""

from collections.abc import Iterator
from typing import Any, override

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension

from app.api.context import Context
from app.api.edge import Edge
from app.api.execution.executor import Compiled
from app.api.limits import NumbersInReach, OperationSize
from app.api.overlaps import Overlaps
from app.api.prepared import Prepared, PreparedOperations

_RULES_WITHOUT_INTROSPECTION = (*specified_rules, NoSchemaIntrospectionCustomRule)


class Validation(SchemaExtension):
    """Validates, as the context's edge wants it: with or without suggestions and introspection."""

    @override
    def on_parse(self) -> Iterator[None]:
        """What was valid before is not parsed again."""
        prepared = self._prepared()
        if prepared is not None:
            self.execution_context.graphql_document = prepared.document
        yield

    @override
    def on_validate(self) -> Iterator[None]:
        """Before the rules that look at names and variables."""
        context = self.execution_context
        document = context.graphql_document
        if document:
            prepared = self._prepared()
            if prepared is not None and prepared.document is document:
                context.pre_execution_errors = []
            else:
                edge = edge_of(context.context)
                schema = context.schema._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no public way to the core schema
                context.pre_execution_errors = validated(schema, document, edge)
        yield

    def _prepared(self) -> Prepared | None:
        context = self.execution_context
        name: str | None = getattr(context, "_provided_operation_name", None)
        return prepared_of(context.schema).find(context.query, name, edge_of(context.context))


class Keeping(SchemaExtension):
    """Keeps what was found valid, as the last to look at it: next time it need not be looked at."""

    @override
    def on_validate(self) -> Iterator[None]:
        """After all others."""
        context = self.execution_context
        document, errors, query = context.graphql_document, context.pre_execution_errors, context.query
        if document is not None and query is not None and errors == []:
            name: str | None = getattr(context, "_provided_operation_name", None)
            edge, kept = edge_of(context.context), prepared_of(context.schema)
            if kept.find(query, name, edge) is None:
                schema = context.schema._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as above
                way: type[Compiled] = getattr(context.schema, "execution_context_class", Execution)
                kept.keep(kept.key(query, name, edge), Prepared.of(schema, document, context.operation_name, way))
        yield


class Execution(Compiled):
    """Says of wrong variables what may have been meant only where the edge wants that."""

    @classmethod
    @override
    def build(cls, *given: Any, **named: Any) -> Any:
        """Make one; see graphql-core. The fourth argument is the context, whose outlet is told."""
        context: object = given[3]
        edge = edge_of(context)
        named["hide_suggestions"] = not edge.suggestions
        named["is_compiled"] = edge.compiled
        built: Any = super().build(*given, **named)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - graphql-core's own types are partial
        if isinstance(context, Context) and context.outlet is not None and isinstance(built, cls):
            context.outlet.executor = built
        return built  # pyright: ignore[reportUnknownVariableType] - the same


def prepared_of(schema: object) -> PreparedOperations:
    """The operations that a schema keeps."""
    kept = getattr(schema, "prepared", None)
    return kept if isinstance(kept, PreparedOperations) else PreparedOperations()


def validated(schema: GraphQLSchema, document: DocumentNode, edge: Edge) -> list[GraphQLError]:
    """What is wrong with a document; what is too large comes first: other rules are slow with it, or fail."""
    rules = specified_rules if edge.introspection else _RULES_WITHOUT_INTROSPECTION
    too_large = validate(schema, document, [OperationSize, NumbersInReach, Overlaps])
    return too_large or validate(schema, document, rules, hide_suggestions=not edge.suggestions)


def edge_of(context: object) -> Edge:
    """The edge that a context came by; one without limits for what is none of ours."""
    return context.edge if isinstance(context, Context) else Edge()
