"""Raw rows that are read like their documents: each attribute is made when it is asked for, and nothing is checked.

To read a page of documents takes the database's driver a fraction of what it takes Pydantic to look at each field.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import FunctionType, NoneType, UnionType
from typing import Any, Final, Union, cast, get_args, get_origin

from beanie import PydanticObjectId
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

type Convert = Callable[[Any], Any]
"""Makes of what the database keeps what the document shows."""

_AS_THEY_ARE: Final = (str, int, bool, PydanticObjectId)


_known: Final = dict[Any, Any]()
"""What `row_type` has made, by the model."""


def row_type[M: BaseModel](model: type[M]) -> Callable[[Mapping[str, Any]], M]:
    """Makes of a raw row something with the attributes, properties and methods of the model, for those who read it.

    It can't be changed or stored. The row may be a part of its document: whoever asks for an attribute that was not
    read and that has no default gets a KeyError.
    """
    known: Callable[[Mapping[str, Any]], M] | None = _known.get(model)
    if known is None:
        known = _known[model] = _made_for(model)
    return known


def _made_for[M: BaseModel](model: type[M]) -> Callable[[Mapping[str, Any]], M]:
    members = {name: _attribute(name, field) for name, field in model.model_fields.items()}
    namespace = {"__slots__": ("raw",), "__init__": _keep, "__repr__": _shown, **dict(_own(model)), **members}
    return cast("Callable[[Mapping[str, Any]], M]", type(f"{model.__name__}Row", (), namespace))


def checked[M: BaseModel](model: type[M], value: M) -> M:
    """What a row's attribute gave, as the model itself: to be kept in another document."""
    raw: Any = value
    return value if isinstance(value, model) else model.model_validate(raw.raw)  # pyright: ignore[reportUnnecessaryIsInstance] - of a row it is one in name only


def _keep(self: Any, raw: Mapping[str, Any]) -> None:
    self.raw = raw


def _shown(self: Any) -> str:
    return f"{type(self).__name__}({sorted(self.raw)})"


def _own(model: type[BaseModel]) -> Iterator[tuple[str, object]]:
    """The properties and methods that our own classes give to it."""
    for kind in reversed(model.__mro__):
        if kind.__module__.startswith(_OURS):
            for name, member in vars(kind).items():
                if isinstance(member, property | FunctionType | staticmethod) and not name.startswith("__"):
                    yield name, member


_OURS: Final = ("app.", "tests.")


def _attribute(name: str, field: FieldInfo) -> property:
    key, convert = field.alias or name, converter(field.annotation)
    if field.is_required():
        return property(_required(key, convert))
    if field.default_factory is None:
        return property(_optional(key, convert, field.default))
    return property(_made(key, convert, field))


def _required(key: str, convert: Convert | None) -> Convert:
    if convert is None:
        return lambda self: self.raw[key]
    return lambda self: convert(self.raw[key])


def _optional(key: str, convert: Convert | None, default: Any) -> Convert:
    if convert is None:
        return lambda self: self.raw.get(key, default)
    return lambda self: convert(self.raw[key]) if key in self.raw else default


def _made(key: str, convert: Convert | None, field: FieldInfo) -> Convert:
    there = _required(key, convert)
    return lambda self: there(self) if key in self.raw else field.get_default(call_default_factory=True)


def converter(annotation: Any) -> Convert | None:
    """How a value of that type is made of what the database keeps; null where both are the same."""
    if annotation in _AS_THEY_ARE:
        return None
    if get_origin(annotation) in {Union, UnionType}:
        return _of_union(annotation)
    if get_origin(annotation) in {tuple, list}:
        return _of_sequence(annotation)
    if isinstance(annotation, type):
        return _of_class(annotation)
    return TypeAdapter(annotation).validate_python


def _of_class(kind: type[Any]) -> Convert | None:
    if issubclass(kind, datetime):
        return _aware
    if issubclass(kind, StrEnum):
        return {member.value: member for member in kind}.__getitem__
    if issubclass(kind, BaseModel):
        return row_type(kind)
    return float if kind is float else TypeAdapter(kind).validate_python


def _of_union(annotation: Any) -> Convert | None:
    """Of a type or null; of anything else Pydantic decides which one it is."""
    others = [one for one in get_args(annotation) if one is not NoneType]
    if len(others) != 1:
        return TypeAdapter(annotation).validate_python
    convert = converter(others[0])
    return None if convert is None else lambda value: None if value is None else convert(value)


def _of_sequence(annotation: Any) -> Convert:
    kind = cast("Convert", get_origin(annotation))
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple and arguments[1:] != (...,):
        return TypeAdapter(annotation).validate_python
    convert = converter(arguments[0])
    return kind if convert is None else lambda values: kind(map(convert, values))


def _aware(moment: datetime) -> datetime:
    """The driver hands back naive ones, of UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
