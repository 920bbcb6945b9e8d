"""One operation run by graphql-core and by compiled execution, and what can be seen of both."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, override

import strawberry
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.api.execution.executor import Compiled
from tests.api.execution.operations import Operation, Variables
from tests.api.execution.schemas import Built, Run
from tests.api.execution.values import Made, World

_ADDRESS: Final = re.compile(r"0x[0-9a-f]+")
_EVENTS: Final = 4


class Stock(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's execution, as Strawberry has it, which counts the values that it completes."""

    @override
    def complete_value(self, *args: Any, **kwargs: Any) -> Any:
        self.context_value.completed += 1
        return super().complete_value(*args, **kwargs)


class Watched(Compiled, Stock):
    """Compiled execution; counts only what graphql-core completes for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that can be seen of a run: the answers, each as text with its errors, and the calls of resolvers."""

    answers: tuple[tuple[str, tuple[str, ...]], ...]
    called: tuple[str, ...]
    completed: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """The same classes, run in both ways."""

    built: Built
    stock: strawberry.Schema
    compiled: strawberry.Schema
    asked: set[tuple[str, str | None]] = field(default_factory=set[tuple[str, str | None]])

    @classmethod
    def of(cls, built: Built) -> "Pair":
        """Make both schemas."""
        return cls(built, built.schema(Stock), built.schema(Watched))

    async def compare(self, operation: Operation, variables: Variables, made: Mapping[str, tuple[Made, ...]]) -> tuple[Outcome, Outcome]:
        """Run it once by graphql-core, and compiled; before that as often as it takes until it is.

        Raises:
            AssertionError: they differ.
        """
        expected = await self._run(self.stock, operation, variables, made)
        shown = expected
        known = (operation.text, operation.name) in self.asked
        for time in ("again",) if known else ("first", "second", "third"):
            shown = await self._run(self.compiled, operation, variables, made)
            assert shown == expected, f"{time}, with {dict(variables)}:\n{operation.text}"
        self.asked.add((operation.text, operation.name))
        return expected, shown

    async def _run(
        self,
        schema: strawberry.Schema,
        operation: Operation,
        variables: Variables,
        made: Mapping[str, tuple[Made, ...]],
    ) -> Outcome:
        run = Run(World(made, self.built.classes))
        root = run.world.things[operation.root, 0]
        outcomes = [
            (_text(one.data), tuple(_told(error) for error in one.errors or ()))
            async for one in _answers(schema, operation, variables, run, root)
        ]
        outcome = Outcome(tuple(outcomes), tuple(run.called), run.completed)
        await settled()
        return outcome


async def _answers(
    schema: strawberry.Schema, operation: Operation, variables: Variables, run: Run, root: object
) -> AsyncIterator[Any]:
    given: Any = {
        "variable_values": dict(variables),
        "context_value": run,
        "root_value": root,
        "operation_name": operation.name,
    }
    if operation.root != "Subscription":
        yield await schema.execute(operation.text, **given)
        return
    stream: Any = await schema.subscribe(operation.text, **given)
    async with aclosing(stream):
        count = 0
        async for one in stream:
            yield one
            count += 1
            if count == _EVENTS:
                return


def _text(data: object) -> str:
    """With the order of its keys."""
    return _ADDRESS.sub("0x", json.dumps(data, default=repr))


def _told(error: Any) -> str:
    cause = type(error.original_error).__name__
    return _ADDRESS.sub("0x", f"{cause} {json.dumps(error.formatted, default=repr)}")


async def settled() -> None:
    """Return when nothing runs any more but this."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
