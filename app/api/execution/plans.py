"""How the fields of a value become its part of an answer: plain ones by a function, the others one by one, in order."""

import datetime as dt
import decimal
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast, override

from graphql import (
    GraphQLField,
    GraphQLObjectType,
)
from graphql.pyutils import Path, gather_with_cancel

from app.api.execution.fields import CAST
from app.api.execution.leaves import is_settled, is_settled_kind
from app.api.execution.plain import Details

_SETTLED: Final = (
    str,
    int,
    float,
    bool,
    list,
    tuple,
    dict,
    set,
    frozenset,
    bytes,
    dt.datetime,
    dt.date,
    decimal.Decimal,
)

type Executor = Any
"""graphql-core's executor of one operation, ours underneath; most of what is needed of it is not public."""


@dataclass(slots=True)
class Kinds:
    """The classes whose instances need not be looked at again: nothing to await, no failure, no null."""

    known: set[type] = field(default_factory=lambda: set[type](_SETTLED))

    def settle(self, value: object) -> bool:
        """Whether the value is settled; remembers its class if all of it are."""
        if not is_settled(value):
            return False
        kind: type[Any] = type(value)
        if is_settled_kind(kind):
            self.known.add(kind)
        return True


class FieldPlan:
    """One field of an object; `execute` is what graphql-core's `execute_field` is, done by what is known before.

    `shown` says how a value of its type becomes its part of the answer.
    """

    def __init__(
        self, parent: GraphQLObjectType, name: str, details: Details, definition: GraphQLField, shown: "Shown"
    ) -> None:
        self.parent = parent
        self.name = name
        self.details = details
        self.definition = definition
        self.kind: Any = getattr(definition, "type", None)
        self._parent_name = parent.name
        self._nodes = [one.node for one in details]
        self._shown = shown
        self._quick = shown.quick

    def execute(self, executor: Executor, source: Any, parent_path: Path | None) -> Any:
        """The field of a source in the answer, or what is to be awaited for it.

        Raises:
            GraphQLError: it failed, and may not be null.
        """
        try:
            value = self.read(executor, source, parent_path)
            if self._quick is not None:
                try:
                    return self._quick(value, executor)
                except Exception:  # noqa: BLE001, S110 - done again, by who knows what to say of it
                    pass
            return self._completed(executor, value, self.path(parent_path))
        except Exception as error:  # noqa: BLE001 - a resolver may raise anything: it is handled as graphql-core does
            return self._failed(executor, error, self.path(parent_path))

    def read(self, executor: Executor, source: Any, parent_path: Path | None) -> Any:
        """The field's value, which may be awaitable."""
        raise NotImplementedError

    def path(self, parent_path: Path | None) -> Path:
        """Its place in the answer."""
        return Path(parent_path, self.name, self._parent_name)

    def info(self, executor: Executor, path: Path) -> Any:
        """What graphql-core tells resolvers."""
        return executor.build_resolve_info(self.definition, self._nodes, self.parent, path)

    def _completed(self, executor: Executor, value: Any, path: Path) -> Any:
        kinds = self._shown.kinds
        if type(value) not in kinds.known and not kinds.settle(value) and executor.is_awaitable(value):
            return self._later(executor, value, path)
        done = self._shown(executor, self, value, path)
        if type(done) is not dict and executor.is_awaitable(done):
            return self._guarded(executor, done, path)
        return cast("Any", done)

    def _failed(self, executor: Executor, error: Exception, path: Path) -> None:
        executor.handle_field_error(error, self.kind, self.details, path)

    async def _later(self, executor: Executor, waited: Awaitable[Any], path: Path) -> Any:
        try:
            value = await waited
            if self._quick is not None:
                try:
                    return self._quick(value, executor)
                except Exception:  # noqa: BLE001, S110 - the same
                    pass
            done: Any = self._shown(executor, self, value, path)
            if type(done) is not dict and executor.is_awaitable(done):
                done = await done
        except Exception as error:  # noqa: BLE001 - the same
            return self._failed(executor, error, path)
        return cast("Any", done)

    async def _guarded(self, executor: Executor, done: Awaitable[Any], path: Path) -> Any:
        try:
            return await done
        except Exception as error:  # noqa: BLE001 - the same
            return self._failed(executor, error, path)


class AttributePlan(FieldPlan):
    """A plain attribute below which there is more than attributes."""

    def __init__(self, attribute: str, *given: Any) -> None:
        super().__init__(*given)
        self._attribute = attribute

    @override
    def read(self, executor: Executor, source: Any, parent_path: Path | None) -> Any:
        """The attribute."""
        return getattr(source, self._attribute)


class StockPlan(FieldPlan):
    """A field that graphql-core executes, from its resolver on."""

    @override
    def execute(self, executor: Executor, source: Any, parent_path: Path | None) -> Any:
        """As graphql-core does."""
        path = Path(parent_path, self.name, self.parent.name)
        return executor.execute_field(self.parent, source, self.details, path, None)


@dataclass(frozen=True, slots=True)
class Step:
    """Either plain fields by a function, or one other field; `fields` are the same fields one by one."""

    fill: Callable[[Any, dict[str, Any], Executor], None] | None
    fields: tuple[FieldPlan, ...]


@dataclass(slots=True)
class ObjectPlan:
    """The fields of a value of an object type. `origin` is the class that its values need to be of; null for any."""

    kinds: Kinds
    origin: type | None
    steps: tuple[Step, ...] = ()

    def takes(self, value: Any) -> bool:
        """Whether graphql-core would take the value without asking its type."""
        if self.origin is not None:
            return type(value) is self.origin and getattr(value, CAST, None) is None
        return type(value) in self.kinds.known or self.kinds.settle(value)

    def execute(self, executor: Executor, source: Any, path: Path | None) -> Any:
        """The fields of that source in the answer, or what is to be awaited for them.

        Raises:
            GraphQLError: one of them failed, and may not be null.
        """
        answer: dict[str, Any] = {}
        waits: list[str] = []
        try:
            for step in self.steps:
                if step.fill is None or not _filled(step.fill, source, answer, executor):
                    for one in step.fields:
                        done = answer[one.name] = one.execute(executor, source, path)
                        if type(done) is not dict and executor.is_awaitable(done):
                            waits.append(one.name)
        except Exception:
            if waits:
                executor.settle_in_background([answer[name] for name in waits])
            raise
        return _together(answer, waits) if waits else answer


@dataclass(slots=True)
class ListPlan:
    """The items of a list of objects, one by one; `item_type` may be non-null."""

    item: ObjectPlan
    item_type: Any
    details: Details

    def execute(self, executor: Executor, values: Sequence[Any], path: Path, info: Callable[[], Any]) -> Any:
        """The list in the answer, or what is to be awaited for it; `info` makes graphql-core's, if it is needed.

        Raises:
            GraphQLError: an item failed, and may not be null.
        """
        answer: list[Any] = []
        waits: list[int] = []
        rest = iter(values)
        try:
            for index, value in enumerate(rest):
                if self._item(executor, value, answer, Path(path, index, None), info):
                    waits.append(index)
        except Exception:
            later = [answer[index] for index in waits]
            later.extend(one for one in rest if executor.is_awaitable(one))
            if later:
                executor.settle_in_background(later)
            raise
        return _all_together(answer, waits) if waits else answer

    def _item(self, executor: Executor, value: Any, answer: list[Any], path: Path, info: Callable[[], Any]) -> bool:
        """Add one; whether it is to be awaited."""
        if not self.item.takes(value):
            return self._unusual(executor, value, answer, path, info)
        try:
            done = self.item.execute(executor, value, path)
        except Exception as error:  # noqa: BLE001 - handled as graphql-core does
            executor.handle_field_error(error, self.item_type, self.details, path)
            answer.append(None)
            return False
        if type(done) is dict:
            answer.append(done)
            return False
        answer.append(self._guarded(executor, done, path))
        return True

    def _unusual(self, executor: Executor, value: Any, answer: list[Any], path: Path, info: Callable[[], Any]) -> bool:
        given = (self.item_type, self.details, info(), path)
        if executor.is_awaitable(value):
            answer.append(executor.complete_awaitable_list_item_value(value, *given, None))
            return True
        return bool(executor.complete_list_item_value(value, answer, *given, None))

    async def _guarded(self, executor: Executor, done: Awaitable[Any], path: Path) -> Any:
        try:
            return await done
        except Exception as error:  # noqa: BLE001 - the same
            executor.handle_field_error(error, self.item_type, self.details, path)
            return None


@dataclass(slots=True)
class Shown:
    """How a value becomes its part of an answer.

    `quick` is a function that does it for usual values, and raises for others: those go by the plan for their type, or
    by graphql-core. `required`: null is a failure. One of `one` and `many` at most is there.
    """

    kinds: Kinds
    required: bool
    quick: Callable[[Any, Executor], Any] | None = None
    one: ObjectPlan | None = None
    many: ListPlan | None = None

    def __call__(self, executor: Executor, field: FieldPlan, value: Any, path: Path) -> Any:
        """The value in the answer, or what is to be awaited for it."""
        if value is None and not self.required:
            return None
        if self.one is not None and value is not None and self.one.takes(value):
            return self.one.execute(executor, value, path)
        if self.many is not None and type(value) in {list, tuple}:
            return self.many.execute(executor, cast("Any", value), path, lambda: field.info(executor, path))
        return executor.complete_value(field.kind, field.details, field.info(executor, path), path, value, None)


def shown_if_usual(plain: Callable[[Any, Executor], list[Any]], value: Any, executor: Executor) -> list[Any] | None:
    """The list in the answer; null where graphql-core has to look at it."""
    try:
        return plain(value, executor)
    except Exception:  # noqa: BLE001 - done again, by who knows what to say of it
        return None


def _filled(
    fill: Callable[[Any, dict[str, Any], Executor], None], source: Any, answer: dict[str, Any], executor: Executor
) -> bool:
    try:
        fill(source, answer, executor)
    except Exception:  # noqa: BLE001 - the same
        return False
    return True


async def _together(answer: dict[str, Any], waits: Sequence[str]) -> dict[str, Any]:
    """The answer, when what it waits for is there; one alone needs no task."""
    if len(waits) == 1:
        answer[waits[0]] = await answer[waits[0]]
    else:
        answer.update(zip(waits, await _gathered(answer[name] for name in waits), strict=True))
    return answer


async def _all_together(answer: list[Any], waits: Sequence[int]) -> list[Any]:
    if len(waits) == 1:
        answer[waits[0]] = await answer[waits[0]]
    else:
        for index, done in zip(waits, await _gathered(answer[index] for index in waits), strict=True):
            answer[index] = done
    return answer


async def _gathered(waited: Iterable[Awaitable[Any]]) -> list[Any]:
    return await gather_with_cancel(*waited)
