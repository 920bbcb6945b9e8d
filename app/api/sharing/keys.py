"""What subscriptions have to have in common to share their executions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import orjson
from beanie import PydanticObjectId
from graphql import FieldNode, FragmentDefinitionNode, Node, OperationDefinitionNode, VariableNode, print_ast
from graphql.execution import Executor

from app.api.sharing.independence import is_independent


@dataclass(frozen=True, slots=True)
class Key:
    """A group's: what is executed, with what, for whom; `viewer_id` is null where that makes no difference."""

    text: str
    operation_name: str | None
    variables: str
    viewer_id: PydanticObjectId | None
    base_url: str

    @classmethod
    def of(
        cls, executor: Executor[Any], resumed_by: str, viewer_id: PydanticObjectId, base_url: str, *, of_viewer: bool
    ) -> "Key":
        """That of an operation which has begun.

        `resumed_by` is the argument that says where it begins, which makes no difference once it is level;
        `of_viewer`: what it follows is the viewer's own.
        """
        operation, fragments = executor.operation, executor.fragment_definitions
        resuming = _resuming_variable(operation, fragments.values(), resumed_by)
        variables = {name: value for name, value in executor.variable_values.coerced.items() if name != resuming}
        serves_all = not of_viewer and is_independent(executor.schema, operation, fragments)
        return cls(
            _text(operation, fragments.values(), resumed_by),
            operation.name.value if operation.name else None,
            orjson.dumps(variables, default=repr, option=orjson.OPT_SORT_KEYS).decode(),
            None if serves_all else viewer_id,
            base_url,
        )


type _Fragments = Iterable[FragmentDefinitionNode]


def _text(operation: OperationDefinitionNode, fragments: _Fragments, resumed_by: str) -> str:
    """The document as it came, or as it means the same where that is not known any more.

    A literal that says where to begin is left out, as the value of a variable is.
    """
    if operation.loc is None:
        return "\n".join(print_ast(one) for one in (operation, *fragments))
    text, literal = operation.loc.source.body, _resuming_value(operation, resumed_by)
    if literal is None or literal.loc is None or isinstance(literal, VariableNode):
        return text
    return text[: literal.loc.start] + text[literal.loc.end :]


def _resuming_value(operation: OperationDefinitionNode, resumed_by: str) -> Node | None:
    """What is given to say where to begin; null if nothing is."""
    (field, *_) = operation.selection_set.selections
    if not isinstance(field, FieldNode):
        return None
    return next((one.value for one in field.arguments or () if one.name.value == resumed_by), None)


def _resuming_variable(operation: OperationDefinitionNode, fragments: _Fragments, resumed_by: str) -> str | None:
    """The variable that says where to begin, and nothing else; null if there is none."""
    value = _resuming_value(operation, resumed_by)
    if not isinstance(value, VariableNode):
        return None
    parts = [operation.selection_set, *(operation.directives or ()), *fragments]
    used = [node.name.value for part in parts for node in _nodes(part) if isinstance(node, VariableNode)]
    return value.name.value if used.count(value.name.value) == 1 else None


def _nodes(node: Node) -> Iterator[Node]:
    """It, and all below it."""
    yield node
    for value in vars(node).values():
        for one in cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,):
            if isinstance(one, Node):
                yield from _nodes(one)
