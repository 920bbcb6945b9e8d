"""Fields of a shown object that are made when they are asked for: most queries ask for a few of many.

To the schema derived ones are plain fields, and all that is called for one is a property. Those that are often ready
have resolvers, which need not be called then.
"""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

import strawberry

from app.api.execution.fields import READY

_MADE: Final = "made"


def derived(description: str, make: Callable[[Any], Any] | None = None) -> Any:
    """A field that `make` makes of the shown object; without one it is the `document`'s attribute of the same name."""
    field: Any = strawberry.field(description=description, metadata={_MADE: make})
    field.init = field.repr = field.compare = False
    return field


def often_ready(resolver: Callable[..., Any], ready: Callable[..., Any], description: str | None = None) -> Any:
    """A field of that resolver; `ready` answers the same without waiting, or raises a LookupError: see `ready_of`."""
    return strawberry.field(resolver=resolver, description=description, metadata={READY: ready})


def deriving[T: type](shown: T) -> T:
    """Decorate a type that has such fields with it, above `strawberry.type`."""
    for field in fields(shown):
        if _MADE in field.metadata:
            make = field.metadata[_MADE] or attrgetter(f"document.{field.name}")
            setattr(shown, field.name, property(make))
    return shown
