"""Fields whose resolvers are functions: called as Strawberry would call them, with what is known before."""

import datetime as dt
import decimal
import enum
import uuid
from collections.abc import Awaitable, Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple, override

from graphql import GraphQLNonNull, VariableNode, get_argument_values
from graphql.language import Node, Visitor, visit
from graphql.pyutils import Path
from strawberry import ID
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.base import StrawberryOptional
from strawberry.types.info import Info
from strawberry.types.unset import UNSET, UnsetType

from app.api.execution.fields import Function
from app.api.execution.plans import Executor, FieldPlan
from app.api.execution.variables import is_plain

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

    def __init__(self, executor: Executor, plan: FieldPlan, parent_path: Path | None, definition: Any) -> None:
        self._executor = executor
        self._plan = plan
        self._parent_path = parent_path
        self._field = definition

    @cached_property
    def _raw_info(self) -> Any:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride] - read as the attribute is
        return self._plan.info(self._executor, self.path)

    @property
    @override
    def context(self) -> Any:
        """The operation's."""
        return self._executor.context_value

    @property
    @override
    def path(self) -> Path:
        """The field's place in the answer."""
        return self._plan.path(self._parent_path)


class _Varying(NamedTuple):
    """An argument that is a variable: its name in Python, the variable's, and whether null is refused."""

    name: str
    variable: str
    required: bool


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
        self._before: dict[str, Any] | None = None
        self._varying: tuple[_Varying, ...] | None = None

    @override
    def read(self, executor: Executor, source: Any, parent_path: Path | None) -> Any:
        """What the function answers."""
        try:
            arguments = self.arguments(executor, parent_path)
        except _UnconvertedError as error:
            return error.later()
        if self._info_name is not None or self._source_names:
            arguments = dict(arguments)
            for name in self._source_names:
                arguments[name] = source
            if self._info_name is not None:
                arguments[self._info_name] = FieldInfo(executor, self, parent_path, self._function.definition)
        return self._call(source, **arguments) if self._takes_self else self._call(**arguments)

    def arguments(self, executor: Executor, parent_path: Path | None = None) -> dict[str, Any]:
        """What it is called with, besides its source and its info; `parent_path` is told where they don't fit."""
        return self._arguments(executor, parent_path) if self._constant is None else self._constant

    def _arguments(self, executor: Executor, parent_path: Path | None) -> dict[str, Any]:
        known: dict[str, Any] | None = executor.arguments.get(self) or self._again(executor)
        if known is not None:
            return known
        definition, node = self.definition, self._nodes[0]
        given = (
            get_argument_values(definition, node, executor.variable_values, None, executor.hide_suggestions)
            if definition.args or node.arguments
            else {}
        )
        try:
            arguments = self._converted(executor, given, parent_path)
        except Exception as error:
            if self._function.definition.is_async:  # Strawberry converts them when it is awaited, and not before
                raise _UnconvertedError(error) from error
            raise
        if all(isinstance(one, _LASTING) for one in arguments.values()):
            executor.arguments[self] = arguments
            naming = executor.schema._strawberry_schema.config.name_converter  # noqa: SLF001 - Strawberry's own link
            names = {naming.from_argument(one): one for one in self._function.arguments}
            self._varying = _varying(node, definition, names)
            blank = dict.fromkeys(one.name for one in self._varying or () if one.name in arguments)
            self._before = None if self._varying is None else {**arguments, **blank}  # nothing of anybody's is kept
            if self._varying == ():
                self._constant = arguments
        return arguments

    def _again(self, executor: Executor) -> dict[str, Any] | None:
        """The arguments of an execution before, but for plain variables; null where there is more to them."""
        if self._before is None or self._varying is None:
            return None
        given: dict[str, Any] = executor.variable_values.coerced
        arguments = dict(self._before)
        for one in self._varying:
            value = given.get(one.variable, UNSET)
            if value is UNSET or (value is None and one.required) or one.name not in arguments:
                return None
            arguments[one.name] = value
        executor.arguments[self] = arguments
        return arguments

    def _converted(self, executor: Executor, given: dict[str, Any], parent_path: Path | None) -> dict[str, Any]:
        definition = self._function.definition
        owner = executor.schema._strawberry_schema  # noqa: SLF001 - Strawberry's own link to its schema
        return convert_arguments(
            given,
            list(self._function.arguments),
            owner.schema_converter.scalar_registry,
            owner.config,
            FieldInfo(executor, self, parent_path, definition),
        )


def _varying(node: Any, definition: Any, arguments: Mapping[str, StrawberryArgument]) -> tuple[_Varying, ...] | None:
    """The arguments that are plain variables; null where a variable is in something else, or is converted.

    `arguments` are Strawberry's, by their names in the schema.
    """
    found = list[_Varying]()
    for given in node.arguments or ():
        if not _Variables.are_in(given):
            continue
        name, kind = given.name.value, definition.args[given.name.value].type
        if not isinstance(given.value, VariableNode) or not is_plain(kind) or not _is_itself(arguments[name].type):
            return None
        python_name = arguments[name].python_name
        found.append(_Varying(python_name, given.value.name.value, required=isinstance(kind, GraphQLNonNull)))
    return tuple(found)


def _is_itself(kind: Any) -> bool:
    """Whether Strawberry hands the coerced value on as it is."""
    inner = kind.of_type if type(kind) is StrawberryOptional else kind
    return inner in {str, int, float, bool, ID}


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
