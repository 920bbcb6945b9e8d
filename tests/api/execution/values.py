"""The values that a generated schema shows: right ones, and wrong ones everywhere.

They are described, and made anew for each run: a generator is read once, an awaitable waited for once.
"""

import asyncio
from collections import UserList, deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, override

import strawberry

from tests.api.execution.leaves import Fault

type Recipe = Const | Ref | Many | Later | Raised | Fault


@dataclass(frozen=True, slots=True)
class Const:
    """A value that nobody changes."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ref:
    """An object of the world; of these there are few, so they know each other in circles."""

    name: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Many:
    """Some of them, in a container of that kind."""

    items: tuple[Recipe, ...]
    kind: str = "list"


@dataclass(frozen=True, slots=True)
class Later:
    """Something to wait for; others run `turns` times before it is there."""

    recipe: Recipe
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Raised:
    """No value: reading it fails."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Made:
    """An object of the world: its class, and what its fields hold.

    `cast` is a class that it is to be taken for.
    `sort`: "own" is one of that class, "sub" of a class below it, "stranger" of none that the schema knows.
    """

    name: str
    held: Mapping[str, Recipe]
    sort: str = "own"
    allowed: bool = True
    cast: str | None = None


class Thing:
    """What all classes of generated schemas are."""

    world: "World"
    held: Mapping[str, Recipe]
    label: str
    allowed: bool

    @override
    def __repr__(self) -> str:
        return f"<{self.label}>"


class Touchy(Thing):
    """Some are, too; a field that is no attribute of it is read from what it holds."""

    def __getattr__(self, name: str) -> Any:
        """A field that can't be an attribute: reading it fails."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self.world.read(self, name)


class Stranger(Touchy):
    """Of no class of the schema."""


class _Wait:
    """Something to wait for that doesn't mind when nobody does."""

    def __init__(self, make: Callable[[], Any], turns: int) -> None:
        self._make = make
        self._turns = turns

    def __await__(self) -> Generator[Any, None, Any]:
        for _ in range(self._turns):
            yield from asyncio.sleep(0).__await__()
        return self._make()

    @override
    def __repr__(self) -> str:
        return "<wait>"


class _Iterable:
    """Can be walked, and nothing else; fails on the way where one of some exceptions is."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            if isinstance(item, RecursionError | StopIteration):
                raise RuntimeError("Half of the way.")  # noqa: TRY004 - what the test is about
            yield item

    @override
    def __repr__(self) -> str:
        return "<iterable>"


async def _slowly(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item


def _hashable(items: list[Any]) -> list[Any]:
    """One at most: the order of more is nobody's."""
    try:
        return list(dict.fromkeys(items))[:1]
    except TypeError:
        return []


CONTAINERS: Final[Mapping[str, Callable[[list[Any]], Any]]] = MappingProxyType(
    {
        "list": list,
        "tuple": tuple,
        "set": lambda items: set(_hashable(items)),
        "generator": iter,
        "values": lambda items: dict(enumerate(items)).values(),
        "dict": lambda items: dict.fromkeys(_hashable(items)),
        "deque": deque,
        "user list": UserList,
        "iterable": _Iterable,
        "asynchronous": _slowly,
    }
)


@dataclass(slots=True)
class World:
    """The objects of one run, made by these classes."""

    made: Mapping[str, tuple[Made, ...]]
    classes: Mapping[str, Any]
    things: dict[tuple[str, int], Thing] = field(default_factory=dict[tuple[str, int], Thing])

    def __post_init__(self) -> None:
        for name, several in self.made.items():
            for number, one in enumerate(several):
                self.things[name, number] = self._thing(one, f"{name}.{number}")
        for thing in self.things.values():
            for name, recipe in thing.held.items():
                if not isinstance(recipe, Raised) and not hasattr(type(thing), name):
                    thing.__dict__[name] = self.make(recipe)

    def _thing(self, one: Made, label: str) -> Thing:
        cls: Any = Stranger if one.sort == "stranger" else self.classes[one.name]
        cls = type(f"{cls.__name__}Below", (cls,), {}) if one.sort == "sub" else cls
        thing: Thing = object.__new__(cls)
        thing.__dict__.update(world=self, held=one.held, label=label, allowed=one.allowed)
        if one.cast is not None:
            strawberry.cast(self.classes[one.cast], thing)
        return thing

    def make(self, recipe: Recipe) -> Any:
        """That value, a new one."""
        match recipe:
            case Const(value):
                return value
            case Ref(name, number):
                several = self.made[name]
                return self.things[name, number % len(several)]
            case Many(items, kind):
                return CONTAINERS[kind]([self.make(one) for one in items])
            case Later(inside, turns):
                return _Wait(lambda: self._resolved(inside), turns)
            case Raised(fault) | (Fault() as fault):
                return fault.made()

    def _resolved(self, recipe: Recipe) -> Any:
        if isinstance(recipe, Raised):
            raise recipe.fault.made()
        return self.make(recipe)

    def read(self, source: Any, name: str) -> Any:
        """What a resolver finds there."""
        if name not in source.held:
            message = f"{source!r} has no {name}"
            raise AttributeError(message)
        return self._resolved(source.held[name])
