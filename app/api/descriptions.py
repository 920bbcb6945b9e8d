"""Descriptions of the schema that stand elsewhere: a resolver's docstring, the words for an enum's values."""

import inspect
from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField


def described_enum[E: Enum](values: type[E], name: str, description: str, words: Mapping[E, str]) -> type[E]:
    """Make an enum of the core one of the schema, each value with its words.

    Raises:
        KeyError: a value has no words.
    """
    made = strawberry.enum(values, name=name, description=description)
    definition: StrawberryEnumDefinition = made.__strawberry_definition__  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - Strawberry sets it
    for value in definition.values:
        value.description = words[values[value.name]]
    return made


def describe_from_docstrings(schema: GraphQLSchema, roots: Mapping[str, str]) -> None:
    """Give each field that has a resolver and no description its resolver's docstring, and each root its words."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            kind.description = kind.description or roots.get(kind.name)
            for field in kind.fields.values():
                field.description = field.description or _docstring(field.extensions)


def _docstring(extensions: Mapping[str, Any]) -> str | None:
    definition = extensions.get("strawberry-definition")
    if not isinstance(definition, StrawberryField) or definition.base_resolver is None:
        return None
    return inspect.getdoc(definition.base_resolver.wrapped_func)
