"""What a field of a Strawberry schema is: a plain attribute, a plain function, or something that has to be asked."""

from collections.abc import Callable
from dataclasses import dataclass
from keyword import iskeyword
from types import FunctionType
from typing import Any, Final, cast

from graphql import GraphQLField, GraphQLObjectType
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info

DEFINITION: Final = GraphQLCoreConverter.DEFINITION_BACKREF
CAST: Final = TYPE_CAST_ATTRIBUTE
READY: Final = "ready"
"""Of a field's metadata: see `ready_of`."""
_MADE: Final = f"{GraphQLCoreConverter.__name__}.from_resolver.<locals>"
_ATTRIBUTE: Final = f"{_MADE}._get_basic_result"
_SYNC: Final = f"{_MADE}._resolver"
_ASYNC: Final = f"{_MADE}._async_resolver"
_IS_TYPE_OF: Final = ".<locals>.is_type_of"


@dataclass(frozen=True, slots=True)
class Function:
    """A resolver that is a function and nothing around it; how it wants its source and its info."""

    call: Callable[..., Any]
    definition: StrawberryField
    arguments: tuple[StrawberryArgument, ...]
    takes_self: bool
    source_names: tuple[str, ...]
    info_name: str | None


def attribute_of(field: GraphQLField) -> str | None:
    """The attribute that the field reads and nothing else; null where there is more to it."""
    definition = field.extensions.get(DEFINITION)
    if not _is_made_by(field.resolve, _ATTRIBUTE) or not isinstance(definition, StrawberryField):
        return None
    if definition.default_resolver is not getattr or not _has_usual_result(definition):
        return None
    name = definition.python_name
    return name if name.isidentifier() and not iskeyword(name) else None


def function_of(field: GraphQLField) -> Function | None:
    """The function behind the field, if Strawberry does nothing but call it with its arguments.

    A wrapper around the resolver, a permission, an extension or a field class of its own may do anything: null.
    """
    definition: Any = field.extensions.get(DEFINITION)
    if not isinstance(definition, StrawberryField):
        return None
    resolver = cast("Any", definition).base_resolver
    if resolver is None:
        return None
    kind = _ASYNC if definition.is_async else _SYNC
    if not _is_made_by(field.resolve, kind) or definition.extensions or not _has_usual_result(definition):
        return None
    if not isinstance(resolver.wrapped_func, FunctionType):
        return None
    sources = (resolver.parent_parameter, resolver.root_parameter)
    return Function(
        call=resolver.wrapped_func,
        definition=definition,
        arguments=tuple(definition.arguments),
        takes_self=resolver.self_parameter is not None,
        source_names=tuple(one.name for one in sources if one is not None),
        info_name=resolver.info_parameter.name if resolver.info_parameter else None,
    )


def ready_of(field: GraphQLField) -> Callable[..., Any] | None:
    """A function of the source, the context and the arguments: it answers what the field's resolver would.

    It changes nothing, so that it may be called in vain, and raises where the resolver is to be called instead. Null
    where the field has none, or where there is more to its resolver than a function.
    """
    definition: Any = field.extensions.get(DEFINITION)
    ready = definition.metadata.get(READY) if isinstance(definition, StrawberryField) else None
    return None if ready is None or function_of(field) is None else ready


def has_usual_info(schema: Any) -> bool:
    """Whether functions may be called with an info of ours: no other class, no handlers of exceptions around them."""
    owner = getattr(schema, "_strawberry_schema", None)
    return owner is not None and owner.config.info_class is Info and not owner.exception_handlers


def is_usual_test(kind: GraphQLObjectType) -> bool:
    """Whether the type asks nothing of a value but its class; Strawberry adds that to types with interfaces."""
    code = getattr(kind.is_type_of, "__code__", None)
    return code is not None and str(code.co_qualname).endswith(f"_get_is_type_of{_IS_TYPE_OF}")


def origin_of(kind: GraphQLObjectType) -> type | None:
    """The class whose instances the type shows; null for what Strawberry did not make."""
    definition = kind.extensions.get(DEFINITION)
    origin = getattr(definition, "origin", None)
    return origin if isinstance(origin, type) else None


def _is_made_by(resolve: object, qualified_name: str) -> bool:
    """The code's own name: `functools.wraps` copies the function's, and wrappers are not to be taken for it."""
    code = getattr(resolve, "__code__", None)
    return code is not None and code.co_qualname == qualified_name


def _has_usual_result(definition: StrawberryField) -> bool:
    return type(definition).get_result is StrawberryField.get_result
