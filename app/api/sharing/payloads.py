"""Results in JSON."""

from typing import Any

import orjson
from graphql import ExecutionResult
from graphql.execution import Executor, execute_subscription_event


def in_json(value: object) -> str:
    """A value of GraphQL's, by orjson; a text, which WebSocket clients expect."""
    return orjson.dumps(value, default=str).decode()


async def executed(executor: Executor[Any], event: object) -> str | None:
    """The result of a subscription's event, in JSON; null when there are errors in it."""
    result = execute_subscription_event(executor.build_per_event_executor(event))
    if not isinstance(result, ExecutionResult):
        result = await result
    return None if result.errors else in_json({"data": result.data})
