"""Results in JSON."""

from typing import Any

import orjson
from graphql import ExecutionResult


def in_json(value: object) -> str:
    """A value of GraphQL's, by orjson; a text, which WebSocket clients expect."""
    return orjson.dumps(value, default=str).decode()


async def executed(executor: Any, event: object) -> str | None:
    """The result of a subscription's event, in JSON, by an `Executor` of it; null when there are errors in it.

    https://spec.graphql.org/September2025/#ExecuteSubscriptionEvent()
    """
    result: Any = executor.build_per_event_executor(event).execute_operation(serially=False)
    shown: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
    return None if shown.errors else in_json({"data": shown.data})
