"""Relay connections with keyset cursors: a page starts behind an object, not at a number, so it never shifts."""

import base64
import binascii
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId
from bson.errors import InvalidId

from app.errors import bad_input

DEFAULT_PAGE, LARGEST_PAGE = 20, 100
_PREFIX = "after:"

First = Annotated[
    int | None, strawberry.argument(description=f"How many, 1 to {LARGEST_PAGE}; {DEFAULT_PAGE} unless it is said.")
]
After = Annotated[str | None, strawberry.argument(description="An `endCursor`: the page starts behind that object.")]


@strawberry.type(description="Whether there is more, and where to go on.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether there are more behind the last one.")
    has_previous_page: bool = strawberry.field(description="Whether this page starts behind another object.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first one; null when empty.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last one: pass it as `after`.")


@strawberry.type(description="One object of a list, and its place there.")
class Edge[T]:
    """Relay's Edge."""

    node: T = strawberry.field(description="The object.")
    cursor: str = strawberry.field(description="Its place: pass it as `after` to go on behind it.")


@strawberry.type(description="A page of a list.")
class Connection[T]:
    """Relay's Connection; `nodes` is the shorter way to the same objects."""

    edges: list[Edge[T]] = strawberry.field(description="The objects with their cursors.")
    nodes: list[T] = strawberry.field(description="The objects alone.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and where to go on.")

    @classmethod
    def of(cls, found: list[tuple[PydanticObjectId, T]], page: "Page") -> Self:
        """The page of what was found, of which one more than the page holds was asked for."""
        shown = found[: page.size]
        edges = [Edge(node=node, cursor=_cursor(identity)) for identity, node in shown]
        info = PageInfo(
            has_next_page=len(found) > page.size,
            has_previous_page=page.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )
        return cls(edges=edges, nodes=[node for _, node in shown], page_info=info)


class Page:
    """What was asked for with `first` and `after`; `limit` is one more than the page holds."""

    def __init__(self, first: int | None, after: str | None) -> None:
        """Read the arguments.

        Raises:
            AppError: BAD_USER_INPUT for a size out of range or what is no cursor.
        """
        self.size = DEFAULT_PAGE if first is None else first
        if not 1 <= self.size <= LARGEST_PAGE:
            raise bad_input(f"`first` is from 1 to {LARGEST_PAGE}, not {self.size}.", "first")
        self.after = None if after is None else _parse_cursor(after)
        self.limit = self.size + 1


def _cursor(identity: PydanticObjectId) -> str:
    return base64.urlsafe_b64encode(f"{_PREFIX}{identity}".encode()).decode()


def _parse_cursor(text: str) -> PydanticObjectId:
    try:
        plain = base64.b64decode(text, altchars=b"-_", validate=True).decode("ascii")
        if plain.startswith(_PREFIX):
            return PydanticObjectId(plain.removeprefix(_PREFIX))
    except (binascii.Error, UnicodeDecodeError, InvalidId, ValueError):
        pass
    raise bad_input("`after` is not a cursor of this server: pass an `endCursor` as you got it.", "after")
