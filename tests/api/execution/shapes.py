"""What a generated schema is: plain values that say it, before any class is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

OBJECTS: Final = ("T0", "T1", "T2", "T3")
INTERFACES: Final = ("I0", "I1")
UNIONS: Final = ("U0",)
BOXES: Final = ("T0Box", "T1Box")
ROOTS: Final = ("Query", "Mutation", "Subscription")


@dataclass(frozen=True, slots=True)
class Shape:
    """A type of a field: of that name, or a list of another shape."""

    name: str = ""
    of: "Shape | None" = None
    nullable: bool = True


class Manner(Enum):
    """How a field comes to its value."""

    ATTRIBUTE = "a plain field"
    PROPERTY = "a plain field that is a property in Python: it may fail"
    RENAMED = "a plain field that Python calls otherwise"
    RESOLVER = "a function"
    ASYNC = "a coroutine function that awaits nothing"
    SLOW = "a coroutine function that lets others go first"
    LATER = "a function that returns something to wait for"
    ALLOWED = "a plain field behind a permission"
    DENIED = "a plain field behind a permission that some objects refuse"
    DENIED_LATER = "the same, but one has to wait for the answer"
    DENIED_SILENTLY = "a function behind a permission that shows null instead of an error"
    EXTENDED = "a function behind an extension of the field"
    EXTENDED_ASYNC = "the same, of coroutine functions"


@dataclass(frozen=True, slots=True)
class Sketch:
    """A field as every type has it that has it at all: two of one name can always be asked for together."""

    shape: Shape
    arguments: tuple[str, ...] = ()


class Sure(Enum):
    """How a type tells which objects are of it."""

    BY_CLASS = "as Strawberry does"
    BY_ITSELF = "by `is_type_of`"
    LATER = "by an `is_type_of` to wait for"
    BADLY = "by an `is_type_of` that fails"


@dataclass(frozen=True, slots=True)
class Class:
    """A type: its fields, the one that it inherits from and its interfaces, by their names.

    `touchy`: its objects answer by a function when they are asked for an attribute that they do not have.
    """

    fields: Mapping[str, Manner]
    parents: tuple[str, ...] = ()
    sure: Sure = Sure.BY_CLASS
    touchy: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole schema. `watched`: an extension looks at each field that is resolved."""

    sketches: Mapping[str, Sketch]
    classes: Mapping[str, Class]
    members: tuple[str, ...] = ("T0", "T1")
    watched: bool = False

    def fields(self, name: str) -> Mapping[str, Manner]:
        """Those of a type, inherited ones too."""
        one = self.classes[name]
        inherited = [self.fields(parent) for parent in reversed(one.parents)]
        return {field: manner for each in (*inherited, one.fields) for field, manner in each.items()}

    def possible(self, name: str) -> tuple[str, ...]:
        """The object types that a value of that type can be of."""
        if name in UNIONS:
            return self.members
        if name in INTERFACES:
            return tuple(one for one in OBJECTS if name in self.above(one))
        return (name,)

    def above(self, name: str) -> frozenset[str]:
        """All that a type inherits from."""
        parents = self.classes[name].parents
        return frozenset(parents).union(*(self.above(parent) for parent in parents))

    def shape(self, owner: str, field: str) -> Shape:
        """That of a field."""
        return _boxed(owner)[field] if owner in BOXES else self.sketches[field].shape


def _boxed(name: str) -> Mapping[str, Shape]:
    inside = name.removesuffix("Box")
    return {
        "item": Shape(inside, nullable=False),
        "items": Shape(of=Shape(inside, nullable=False)),
        "count": Shape("Int", nullable=False),
    }


def fields_of_box() -> Mapping[str, Manner]:
    """The same for each."""
    return dict.fromkeys(_boxed("T0"), Manner.ATTRIBUTE)
