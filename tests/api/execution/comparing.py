"""One operation run by graphql-core and by compiled execution, and all that can be seen of both."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, override

import strawberry
from strawberry.extensions import DisableValidation, ParserCache
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.api.execution.executor import Compiled
from tests.api.execution.operations import Operation, Variables

_ADDRESS: Final = re.compile(r"0x[0-9a-f]+")
_EVENTS: Final = 4
_UNTIL_COMPILED: Final = 3


@dataclass(slots=True)
class Run:
    """The context of a run: its objects, which resolvers were called with what, and how much graphql-core completed."""

    world: Any = None
    called: list[str] = field(default_factory=list[str])
    completed: int = 0


class Stock(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's execution as Strawberry has it; counts the values that it completes."""

    @override
    def complete_value(self, *args: Any, **kwargs: Any) -> Any:
        self.context_value.completed += 1
        return super().complete_value(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType] - graphql-core's own types are partial


class Watched(Compiled, Stock):  # pyright: ignore[reportIncompatibleVariableOverride] - `Compiled` makes an attribute a property
    """Compiled execution; counts what graphql-core completes for it."""


class _QuietSchema(strawberry.Schema):
    """Writes no errors to the log: there are many."""

    @override
    def process_errors(self, errors: Any, execution_context: Any = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answers, each as text with its errors, and the calls of resolvers, all in order."""

    answers: tuple[tuple[str, tuple[str, ...]], ...]
    called: tuple[str, ...]
    completed: int = field(compare=False)

    @property
    def data(self) -> Any:
        """That of the first answer."""
        return json.loads(self.answers[0][0])

    @property
    def errors(self) -> list[str]:
        """The messages of the first answer's."""
        return [json.loads(one.partition(" ")[2])["message"] for one in self.answers[0][1]]


@dataclass(frozen=True, slots=True)
class Ways:
    """The same classes, run in both ways; `known` are the operations that are compiled by now."""

    stock: strawberry.Schema
    compiled: strawberry.Schema
    known: set[tuple[str, str | None]] = field(default_factory=set[tuple[str, str | None]])

    @classmethod
    def of(cls, query: type, **options: Any) -> "Ways":
        """Make both schemas."""
        stock, compiled = (_schema(query, way, **options) for way in (Stock, Watched))
        return cls(stock, compiled)

    async def compare(
        self, operation: Operation, variables: Variables, begin: Callable[[], tuple[Run, object]]
    ) -> tuple[Outcome, Outcome]:
        """Run it once by graphql-core, and compiled; before that as often as it takes until it is.

        `begin` makes the context and the root's value, new ones for each run.

        Raises:
            AssertionError: they differ.
        """
        expected = shown = await _run(self.stock, operation, variables, *begin())
        known = (operation.text, operation.name)
        for time in range(1 if known in self.known else _UNTIL_COMPILED):
            shown = await _run(self.compiled, operation, variables, *begin())
            message = f"time {time}, with {dict(variables)}:\n{operation.text}\nis {shown}\nnot {expected}"
            assert shown == expected, message
        self.known.add(known)
        return expected, shown


def _schema(query: type, way: type[Any], **options: Any) -> strawberry.Schema:
    extensions = [DisableValidation, lambda: ParserCache(maxsize=1000), *options.pop("extensions", ())]
    return _QuietSchema(query, execution_context_class=way, extensions=extensions, **options)


async def _run(
    schema: strawberry.Schema, operation: Operation, variables: Variables, run: Run, root: object
) -> Outcome:
    answers = [
        (_text(one.data), tuple(_told(error) for error in one.errors or ()))
        async for one in _answers(schema, operation, variables, run, root)
    ]
    await _settled()  # what nobody waits for any more goes on, in both ways
    return Outcome(tuple(answers), tuple(_ADDRESS.sub("0x", one) for one in run.called), run.completed)


async def _answers(
    schema: strawberry.Schema, operation: Operation, variables: Variables, run: Run, root: object
) -> AsyncIterator[Any]:
    given: Any = {
        "variable_values": deepcopy(dict(variables)),  # resolvers change what they are given
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


async def _settled() -> None:
    """Return when nothing runs any more but this."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
