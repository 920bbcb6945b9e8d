"""Images as their schema shows them, values of all kinds for it, and what is asked of it."""

import asyncio
import enum
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self

import strawberry
from graphql import GraphQLError


@strawberry.enum
class Kind(enum.Enum):
    A = "a"
    B = "b"


class _Boom:
    """Reading it fails."""

    def __get__(self, one: object, _owner: type | None = None) -> Self:
        if one is None:
            return self
        raise RuntimeError("boom")


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class Image(Node):
    name: str
    optional: str | None
    number: int
    share: float
    kind: Kind
    at: datetime
    parent: "Image | None"
    children: "list[Image]"
    maybe: "list[Image | None] | None"
    grid: list[list[int]]
    tags: list[str | None]

    @strawberry.field
    def loud(self) -> str:
        return self.name.upper()

    @strawberry.field
    async def slow(self) -> str:
        await asyncio.sleep(0)
        return f"{self.name}!"

    @strawberry.field
    async def failing(self) -> str | None:
        await asyncio.sleep(0)
        message = f"no {self.id}"
        raise ValueError(message)


@strawberry.type
class Other(Node):
    extra: int


def image(identity: int, **given: Any) -> Image:
    usual: dict[str, Any] = {
        "id": f"{identity}",
        "name": f"n{identity}",
        "optional": None,
        "number": identity,
        "share": 1.5,
        "kind": Kind.A,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "parent": None,
        "children": [],
        "maybe": None,
        "grid": [[1, 2], []],
        "tags": ["a", None],
    }
    return Image(**{**usual, **given})


def _good() -> list[Image]:
    parent = image(0)
    return [
        image(1, parent=parent, children=[parent, image(9)], maybe=[parent, None]),
        image(2, optional="o", kind=Kind.B),
    ]


def _boom() -> Image:
    broken = image(8)
    broken.__class__ = type("Broken", (Image,), {"name": _Boom()})
    return broken


@strawberry.type
class Gallery:
    images: list[Image]
    maybe: list[Image | None] | None
    nodes: list[Node]

    @strawberry.field
    async def later(self) -> list[Image]:
        return self.images

    @strawberry.field
    def one(self, place: int = 0) -> Image | None:
        return self.images[place]


@strawberry.type
class Change:
    @strawberry.mutation
    def touch(self, info: strawberry.Info[Any, Any]) -> Image:
        info.context.called.append("touch")
        images: list[Image] = info.root_value.images
        return images[0]


_LEAVES = "id name optional number share kind at grid tags"
VALUES: dict[str, Callable[[], Any]] = {
    "good": _good,
    "null for a name": lambda: [image(1, name=None), image(2)],
    "null for a name of a parent": lambda: [image(1, parent=image(5, name=None)), image(2)],
    "null among children": lambda: [image(1, children=[image(3), None])],
    "text for a number": lambda: [image(1, number="x"), image(2)],
    "digits for a number": lambda: [image(1, number="12")],
    "too large a number": lambda: [image(1, number=2**40)],
    "number for a share": lambda: [image(1, share=3)],
    "unknown member": lambda: [image(1, kind="zzz")],
    "number for a text": lambda: [image(1, name=5)],
    "truth for a text": lambda: [image(1, name=True)],
    "exception for a text": lambda: [image(1, name=ValueError("v"))],
    "GraphQL's error for a text": lambda: [image(1, name=GraphQLError("g", extensions={"code": "X"}))],
    "null far below": lambda: [image(1, maybe=[None, image(7, name=None)])],
    "null among images": lambda: [image(1), None],
    "tuple": lambda: tuple(_good()),
    "text for the list": lambda: "images",
    "number for the list": lambda: 5,
    "null for the list": lambda: None,
    "infinite": lambda: [image(1, share=float("inf"))],
    "number for an id": lambda: [image(7, id=7)],
    "null in depth": lambda: [image(1, children=[image(2, children=[image(3, name=None)])])],
    "failing attribute": lambda: [image(1, children=[_boom()])],
    "another type": lambda: [Other(id=strawberry.ID("1"), extra=4)],
}
SELECTIONS = (
    f"{{ images {{ {_LEAVES} }} }}",
    f"{{ maybe {{ {_LEAVES} }} }}",
    "{ images { id parent { name } children { name parent { id } } maybe { name kind } } }",
    "{ maybe { id parent { name } children { name children { name } } maybe { name } } }",
    "{ later { __typename a: name b: name id children { __typename children { id children { name } } } } }",
    "{ maybe { id loud slow failing name } }",
    "{ later { id slow failing children { slow failing } name } }",
    "{ maybe { ...F parent { ...F slow } } } fragment F on Image { id name children { id loud } }",
    "query ($s: Boolean!) { maybe { id name @skip(if: $s) parent @include(if: $s) { id name } } }",
    "{ nodes { id ... on Image { name children { id } } ... on Other { extra } } }",
    f"{{ one {{ {_LEAVES} }} x: one(place: 0) {{ parent {{ id }} }} }}",
    "mutation { touch { id name parent { id } } b: touch { id } }",
    "{ maybe { children { ...G } children { name } } } fragment G on Image { id }",
    "{ images { parent { parent { parent { id } } } } }",
    "{ maybe { maybe { slow name } } }",
)
