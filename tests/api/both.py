"""The schema, but each operation's answer is put together twice, by compiled plans and by graphql-core, and compared.

What a mutation does is done once: only what is shown of its payload is shown twice. A query reads twice.
"""

import json
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final, override

from graphql import GraphQLError, GraphQLObjectType, OperationType
from graphql.execution.executor import CollectedErrors
from graphql.pyutils import Path

from app.api.execution.operations import Operations
from app.api.execution.plain import Groups
from app.api.prepared import PreparedOperations
from app.api.schema import schema as _schema
from app.api.validating import Execution


@dataclass(slots=True)
class Comparison:
    """Of the test that runs: whether answers are put together twice, and where they differed."""

    is_on: bool = False
    count: int = 0
    differences: list[str] = field(default_factory=list[str])


COMPARISON: Final = Comparison()
"""`tests/api/conftest.py` turns it on for each test, and says that nothing differed."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    data: Any
    raised: Exception | None
    errors: CollectedErrors

    def shown(self) -> tuple[str, ...]:
        """All that can be seen of it, in order."""
        raised = [self.raised] if self.raised is not None else []
        return (json.dumps(self.data, default=repr), *(_told(one) for one in (*self.errors.errors, *raised)))


def _told(error: Exception) -> str:
    formatted = error.formatted if isinstance(error, GraphQLError) else str(error)
    return f"{type(error).__name__} {json.dumps(formatted, default=repr)}"


def _take(errors: Any, others: Any) -> None:
    """Add what another collected; graphql-core adds one at a time."""
    errors._errors.extend(others._errors)  # noqa: SLF001 - there is no other way
    errors._error_positions |= others._error_positions  # noqa: SLF001 - the same


class Both(Execution):
    """Compiles at once what others compile the second time, and shows what it shows twice."""

    @classmethod
    @override
    def build(cls, *given: Any, **named: Any) -> Any:
        """Make one; see graphql-core."""
        schema, document, _, _, _, name = given[:6]
        Operations.of(schema).find(document, name, at_once=True)
        return super().build(*given, **named)

    @override
    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Groups,
        position_context: Any,
    ) -> Any:
        """The root's of a query or of an event, twice."""
        given = (parent_type, source_value, path, grouped_field_set, position_context)
        return (
            self._twice(lambda one: one.execute_fields(*given))
            if self._is_root(path)
            else super().execute_fields(*given)
        )

    @override
    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Path, result: Any, position_context: Any
    ) -> Any:
        """A mutation's payload, twice."""
        given = (return_type, field_details_list, info, path, result, position_context)
        if self.operation.operation is OperationType.MUTATION and self._is_root(path.prev):
            return self._twice(lambda one: one.complete_value(*given))
        return super().complete_value(*given)  # pyright: ignore[reportUnknownMemberType] - graphql-core's own types are partial

    def _is_root(self, path: Path | None) -> bool:
        return path is None and COMPARISON.is_on and self.plans is not None

    async def _twice(self, run: Callable[[Any], Any]) -> Any:
        compiled = await self._alone(run, self.plans)
        stock = await self._alone(run, None)
        if compiled.shown() != stock.shown():
            COMPARISON.differences.append(f"{compiled.shown()} is not {stock.shown()}")
        COMPARISON.count += 1
        _take(self.collected_errors, compiled.errors)
        if compiled.raised is not None:
            raise compiled.raised
        return compiled.data

    async def _alone(self, run: Callable[[Any], Any], plans: Any) -> _Outcome:
        one: Any = copy(self)
        one.__class__ = Execution  # the same, without what is here
        one.plans, one.arguments, one.collected_errors = plans, {}, CollectedErrors()
        one._relevant_sub_fields = {}  # noqa: SLF001 - graphql-core's own, made anew
        try:
            data = run(one)
            if one.is_awaitable(data):
                data = await data
        except Exception as error:  # noqa: BLE001 - compared, and raised again
            return _Outcome(None, error, one.collected_errors)
        return _Outcome(data, None, one.collected_errors)


schema: Final = copy(_schema)
schema.execution_context_class = Both
schema.prepared = PreparedOperations()
