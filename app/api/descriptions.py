"""A resolver's docstring is its field's description in the schema."""

import inspect
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema


def describe_from_docstrings(schema: GraphQLSchema, roots: Mapping[str, str]) -> None:
    """Give each field that has a resolver and no description its resolver's docstring, and each root its words."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            kind.description = kind.description or roots.get(kind.name)
            for field in kind.fields.values():
                field.description = field.description or _docstring(field.extensions)


def _docstring(extensions: Mapping[str, Any]) -> str | None:
    resolver: Any = getattr(extensions.get("strawberry-definition"), "base_resolver", None)
    return inspect.getdoc(resolver.wrapped_func) if resolver else None
