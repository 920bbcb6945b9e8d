"""Strawberry's classes and the schema, made of a plan."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Union, override

import strawberry
from graphql import GraphQLResolveInfo
from strawberry.extensions import FieldExtension, SchemaExtension
from strawberry.permission import BasePermission, PermissionExtension

from tests.api.execution.comparing import Run, Ways
from tests.api.execution.leaves import ARGUMENTS, CONFIG, LEAVES
from tests.api.execution.shapes import BOXES, INTERFACES, ROOTS, Manner, Plan, Shape, Sure
from tests.api.execution.values import Made, Stranger, Thing, Touchy, World

_TURNS: Final = 3
_OWN: Final = {"__repr__": Thing.__repr__}
"""Or dataclasses would write one that reads every field."""
Info = strawberry.Info[Any, Any]


@strawberry.type
class Box[T](Thing):
    """A generic type."""

    item: T
    items: list[T] | None
    count: int

    __repr__ = Thing.__repr__


class _Allowed(BasePermission):
    message = "Not this one."

    @override
    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        return True


class _Denied(_Allowed):
    error_extensions = {"code": "FORBIDDEN"}  # noqa: RUF012 - as Strawberry declares it

    @override
    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        info.context.called.append(f"may {source!r} {info.field_name}")
        return bool(source.allowed)


class _DeniedLater(_Allowed):
    @override
    async def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:  # type: ignore[override]
        await asyncio.sleep(0)
        return bool(source.allowed)


class _Extension(FieldExtension):
    @override
    def resolve(self, next_: Callable[..., Any], source: Any, info: Any, **kwargs: Any) -> Any:
        info.context.called.append(f"around {info.field_name} {sorted(kwargs)}")
        return next_(source, info, **kwargs)

    @override
    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Any, **kwargs: Any) -> Any:
        info.context.called.append(f"around {info.field_name} {sorted(kwargs)}")
        return await next_(source, info, **kwargs)


class _Watch(SchemaExtension):
    @override
    def resolve(self, _next: Any, root: Any, info: GraphQLResolveInfo[Any], *args: Any, **kwargs: Any) -> Any:
        info.context.called.append(f"watched {info.field_name}")
        return _next(root, info, *args, **kwargs)


@dataclass(frozen=True, slots=True)
class Built:
    """The classes of a plan, by their GraphQL names."""

    plan: Plan
    classes: Mapping[str, Any]
    annotated: Mapping[str, Any]

    def ways(self) -> Ways:
        """The schema of them, run in both ways."""
        query, mutation, subscription = (self.classes[name] for name in ROOTS)
        return Ways.of(
            query,
            mutation=mutation,
            subscription=subscription,
            types=[self.annotated[name] for name in self.plan.classes if name not in ROOTS],
            config=CONFIG,
            extensions=[_Watch] if self.plan.watched else [],
        )

    def begin(self, made: Mapping[str, tuple[Made, ...]], root: str) -> tuple[Run, object]:
        """A context with a world of these objects, and the root's."""
        world = World(made, self.classes)
        return Run(world), world.things[root, 0]


def built(plan: Plan) -> Built:
    """Make the classes.

    They exist before they have fields: these may be of any of them.
    """
    classes = dict[str, Any]()
    for name, one in plan.classes.items():
        if name not in BOXES:
            classes[name] = type(
                name, tuple(classes[parent] for parent in one.parents) or (Touchy if one.touchy else Thing,), _OWN
            )
    annotated = {**LEAVES, **classes}
    annotated["U0"] = Annotated[Union[tuple(classes[name] for name in plan.members)], strawberry.union("U0")]  # noqa: UP007 - of as many as there are
    for name in BOXES:
        annotated[name] = Box[classes[name.removesuffix("Box")]]  # type: ignore[misc]
    for name, cls in classes.items():
        _fill(cls, name, plan, annotated)
    return Built(plan, {**classes, **dict.fromkeys(BOXES, Box)}, annotated)


def _fill(cls: Any, name: str, plan: Plan, annotated: Mapping[str, Any]) -> None:
    one = plan.classes[name]
    cls.__annotations__ = {"secret": strawberry.Private[object]}
    for field, manner in one.fields.items():
        sketch = plan.sketches[field]
        kind = _annotation(sketch.shape, annotated)
        if name == "Subscription":
            setattr(cls, field, strawberry.subscription(resolver=_events(field, kind, sketch.arguments)))
            continue
        made = _field(field, manner, kind, sketch.arguments)
        python_name = f"{field}_" if manner is Manner.RENAMED else field
        if made is not None:
            setattr(cls, python_name, made)
        if made is None or not made.base_resolver:
            cls.__annotations__[python_name] = kind
    if one.sure is not Sure.BY_CLASS:
        cls.is_type_of = classmethod(_TESTS[one.sure])
    decorate = strawberry.interface if name in INTERFACES else strawberry.type
    decorate(cls)
    for field, manner in one.fields.items():
        if manner is Manner.PROPERTY and name != "Subscription":
            setattr(cls, field, _property(field))


def _property(field: str) -> property:
    def read(self: Thing) -> Any:
        return self.world.read(self, field)

    return property(read)


def _annotation(shape: Shape, annotated: Mapping[str, Any]) -> Any:
    inside: Any = list[_annotation(shape.of, annotated)] if shape.of else annotated[shape.name]  # type: ignore[misc]
    return inside | None if shape.nullable else inside


def _is_one(cls: type, source: object, _info: object) -> bool:
    return isinstance(source, cls | Stranger)


async def _is_one_later(cls: type, source: object, _info: object) -> bool:
    await asyncio.sleep(0)
    return isinstance(source, cls | Stranger)


def _fails(_cls: type, source: Any, _info: object) -> bool:
    if source.allowed:
        return True
    raise ValueError("What is it?")


_TESTS: Final[Mapping[Sure, Callable[..., Any]]] = {
    Sure.BY_ITSELF: _is_one,
    Sure.LATER: _is_one_later,
    Sure.BADLY: _fails,
}


def _field(name: str, manner: Manner, kind: Any, arguments: tuple[str, ...]) -> Any:
    """Null for a plain one."""
    match manner:
        case Manner.ATTRIBUTE | Manner.PROPERTY:
            return None
        case Manner.RENAMED:
            return strawberry.field(name=name)
        case Manner.ALLOWED:
            return strawberry.field(permission_classes=[_Allowed])
        case Manner.DENIED:
            return strawberry.field(permission_classes=[_Denied])
        case Manner.DENIED_LATER:
            return strawberry.field(permission_classes=[_DeniedLater])
        case _:
            return strawberry.field(resolver=_resolver(name, manner, kind, arguments), extensions=_extensions(manner))


def _extensions(manner: Manner) -> list[FieldExtension]:
    match manner:
        case Manner.EXTENDED | Manner.EXTENDED_ASYNC:
            return [_Extension()]
        case Manner.DENIED_SILENTLY:
            return [PermissionExtension([_Denied()], fail_silently=True)]
        case _:
            return []


def _resolver(name: str, manner: Manner, kind: Any, arguments: tuple[str, ...]) -> Any:
    turns = _TURNS if manner is Manner.SLOW else 0

    def found(self: Any, info: Info, given: dict[str, Any]) -> Any:
        told = (info.field_name, info.python_name, info.path.as_list(), info.variable_values, str(info.return_type))
        info.context.called.append(f"{self!r}.{name} of {told} {info.root_value!r} {info.selected_fields} with {given}")
        for one in given.values():
            if isinstance(one, list | dict):
                one.clear()  # nobody else is to see that
        return info.context.world.read(self, name)

    def resolve(self: Any, info: Info, **given: Any) -> Any:
        return found(self, info, given)

    async def resolve_async(self: Any, info: Info, **given: Any) -> Any:
        for _ in range(turns):
            await asyncio.sleep(0)
        return found(self, info, given)

    def resolve_later(self: Any, info: Info, **given: Any) -> Any:
        return resolve_async(self, info, **given)

    is_async = manner in {Manner.ASYNC, Manner.SLOW, Manner.EXTENDED_ASYNC}
    chosen: Any = resolve_async if is_async else resolve_later if manner is Manner.LATER else resolve
    return _signed(chosen, kind, arguments)


def _events(name: str, kind: Any, arguments: tuple[str, ...]) -> Any:
    async def follow(self: Any, info: Info, **given: Any) -> Any:
        info.context.called.append(f"{self!r}.{name} with {given}")
        for event in info.context.world.read(self, name):
            await asyncio.sleep(0)
            yield event

    return _signed(follow, AsyncGenerator[kind], arguments)


def _signed(function: Any, returns: Any, arguments: tuple[str, ...]) -> Any:
    """With that signature, which is what Strawberry goes by."""
    own = [
        inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
        inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
    ]
    function.__signature__ = inspect.Signature([*own, *_parameters(arguments)], return_annotation=returns)
    function.__annotations__ = {
        **{one.name: one.annotation for one in function.__signature__.parameters.values() if one.name != "self"},
        "return": returns,
    }
    return function


def _parameters(arguments: tuple[str, ...]) -> Iterator[inspect.Parameter]:
    for name in arguments:
        kind, default = ARGUMENTS[name]
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=kind,
            default=inspect.Parameter.empty if default is ... else default,
        )
