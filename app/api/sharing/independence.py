"""Whether what an operation shows of an event is the same for whoever may see the event."""

from collections.abc import Iterator, Mapping
from typing import cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
)
from strawberry.types.field import StrawberryField

_TYPE_NAME = "__typename"


def is_independent(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> bool:
    """Whether every field below the subscription's own one only reads an attribute of what the event holds.

    Resolvers may ask who the viewer is; attributes can't. The operation has to be a valid one. What is selected of an
    interface or a union counts as dependent, unless it is selected of one type of it.
    """
    root = schema.subscription_type
    if root is None:
        return False
    return all(
        _is_plain(schema, field.selection_set, _type_of(root, field.name.value), fragments)
        for _, field in _fields(schema, operation.selection_set, root, fragments)
        if field.name.value != _TYPE_NAME
    )


def _is_plain(
    schema: GraphQLSchema,
    selections: SelectionSetNode | None,
    parent: GraphQLNamedType,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> bool:
    for kind, field in _fields(schema, selections, parent, fragments):
        name = field.name.value
        if name == _TYPE_NAME:
            continue
        if not isinstance(kind, GraphQLObjectType) or not _reads_attribute(kind, name):
            return False
        if not _is_plain(schema, field.selection_set, _type_of(kind, name), fragments):
            return False
    return True


def _type_of(parent: GraphQLObjectType, name: str) -> GraphQLNamedType:
    return cast("GraphQLNamedType", get_named_type(parent.fields[name].type))


def _reads_attribute(parent: GraphQLObjectType, name: str) -> bool:
    definition = parent.fields[name].extensions.get("strawberry-definition")
    return (
        isinstance(definition, StrawberryField)
        and definition.is_basic_field
        and not definition.permission_classes
        and not definition.extensions
    )


def _fields(
    schema: GraphQLSchema,
    selections: SelectionSetNode | None,
    parent: GraphQLNamedType,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Iterator[tuple[GraphQLNamedType, FieldNode]]:
    """Each field with the type that it is selected of, those of fragments among them."""
    for selection in selections.selections if selections else ():
        if isinstance(selection, FieldNode):
            yield parent, selection
            continue
        inside, condition = _spread(selection, fragments)
        kind = schema.type_map[condition] if condition else parent
        yield from _fields(schema, inside, kind, fragments)


def _spread(
    selection: SelectionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[SelectionSetNode | None, str | None]:
    """What a fragment selects, and of which type; null for that which is around it."""
    if isinstance(selection, FragmentSpreadNode):
        fragment = fragments[selection.name.value]
        return fragment.selection_set, fragment.type_condition.name.value
    assert isinstance(selection, InlineFragmentNode)  # noqa: S101 - there is no other kind
    condition = selection.type_condition
    return selection.selection_set, condition.name.value if condition else None
