"""Fields whose resolvers are functions: called as Strawberry would call them, with what is known before."""

import datetime as dt
import decimal
import enum
import uuid
from collections.abc import Awaitable
from functools import cached_property
from typing import Any, Final, override

from graphql import VariableNode, get_argument_values
from graphql.language import Node, Visitor, visit
from graphql.pyutils import Path
from strawberry.types.arguments import convert_arguments
from strawberry.types.info import Info
from strawberry.types.unset import UnsetType

from app.api.execution.fields import Function
from app.api.execution.plans import Executor, FieldPlan

_LASTING: Final = (
    str,
    int,
    float,
    bool,
    type(None),
    enum.Enum,
    dt.date,
    dt.time,
    decimal.Decimal,
    uuid.UUID,
    UnsetType,
)
"""Arguments that nobody can change, so that they may be handed to a resolver twice."""


class FieldInfo(Info):
    """Strawberry's info of a field, most of which is made when a resolver asks for it."""

    def __init__(self, executor: Executor, plan: FieldPlan, path: Path, definition: Any) -> None:
        self._executor = executor
        self._plan = plan
        self._path = path
        self._field = definition

    @cached_property
    def _raw_info(self) -> Any:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride] - read as the attribute is
        return self._plan.info(self._executor, self._path)

    @property
    @override
    def context(self) -> Any:
        """The operation's."""
        return self._executor.context_value

    @property
    @override
    def path(self) -> Path:
        """The field's place in the answer."""
        return self._path


class _UnconvertedError(Exception):
    """Arguments that an input type refuses."""

    def __init__(self, cause: Exception) -> None:
        self._cause = cause

    def later(self) -> Awaitable[Any]:
        """Raises the cause when it is awaited."""
        return _raised(self._cause)


async def _raised(error: Exception) -> None:
    raise error


class FunctionPlan(FieldPlan):
    """A resolver that is called as Strawberry would call it; arguments that can't change are read once."""

    def __init__(self, function: Function, *given: Any) -> None:
        super().__init__(*given)
        self._function = function
        self._call = function.call
        self._takes_self = function.takes_self
        self._source_names = function.source_names
        self._info_name = function.info_name
        self._constant: dict[str, Any] | None = None
        self._varies = any(_Variables.are_in(one) for one in self._nodes[0].arguments or ())

    @override
    def read(self, executor: Executor, source: Any, path: Path) -> Any:
        """What the function answers."""
        arguments = self._constant
        if arguments is None:
            try:
                arguments = self._arguments(executor, path)
            except _UnconvertedError as error:
                return error.later()
        if self._info_name is not None or self._source_names:
            arguments = dict(arguments)
            for name in self._source_names:
                arguments[name] = source
            if self._info_name is not None:
                arguments[self._info_name] = FieldInfo(executor, self, path, self._function.definition)
        return self._call(source, **arguments) if self._takes_self else self._call(**arguments)

    def _arguments(self, executor: Executor, path: Path) -> dict[str, Any]:
        known: dict[str, Any] | None = executor.arguments.get(self)
        if known is not None:
            return known
        definition, node = self.definition, self._nodes[0]
        given = (
            get_argument_values(definition, node, executor.variable_values, None, executor.hide_suggestions)
            if definition.args or node.arguments
            else {}
        )
        try:
            arguments = self._converted(executor, given, path)
        except Exception as error:
            if self._function.definition.is_async:  # Strawberry converts them when it is awaited, and not before
                raise _UnconvertedError(error) from error
            raise
        if all(isinstance(one, _LASTING) for one in arguments.values()):
            executor.arguments[self] = arguments
            if not self._varies:
                self._constant = arguments
        return arguments

    def _converted(self, executor: Executor, given: dict[str, Any], path: Path) -> dict[str, Any]:
        definition = self._function.definition
        owner = executor.schema._strawberry_schema  # noqa: SLF001 - Strawberry's own link to its schema
        return convert_arguments(
            given,
            list(self._function.arguments),
            owner.schema_converter.scalar_registry,
            owner.config,
            FieldInfo(executor, self, path, definition),
        )


class _Variables(Visitor):
    """Looks for variables."""

    found = False

    def enter_variable(self, _node: VariableNode, *_: object) -> None:
        """There is one."""
        self.found = True

    @classmethod
    def are_in(cls, node: Node) -> bool:
        """Whether a node has any in it."""
        visitor = cls()
        visit(node, visitor)
        return visitor.found
