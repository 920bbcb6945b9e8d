"""Relay connections with keyset cursors: a page starts behind an object, not at a number, so it never shifts."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Annotated, NamedTuple, Self

import strawberry
from beanie import PydanticObjectId

from app.database.keyset import Stretch
from app.errors import bad_input

DEFAULT_PAGE, LARGEST_PAGE = 20, 100
LARGEST_TREE_PAGE = 1_000
"""Of a tree: it is drawn whole."""
_MARK_BYTES, _ID_BYTES = 6, 12

First = Annotated[
    int | None, strawberry.argument(description=f"How many, 1 to {LARGEST_PAGE}; {DEFAULT_PAGE} unless it is said.")
]
After = Annotated[str | None, strawberry.argument(description="An `endCursor`: the page starts behind that object.")]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many from the end, 1 to {LARGEST_PAGE}, still in the order of the list; not with `first`."
    ),
]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="A `startCursor`: the page ends ahead of that object. Without `first` and `after` it is the last "
        "page there."
    ),
]

type Count = Callable[[], Awaitable[int]]


class Listing(NamedTuple):
    """What a cursor is a place of: a list, whose it is (a user, an image), and its order, which is that of ids."""

    name: str
    of: PydanticObjectId
    newest_first: bool = True

    @property
    def mark(self) -> bytes:
        """What its cursors are told from others by."""
        return blake2b(f"{self.name}/{self.of}/{self.newest_first}".encode(), digest_size=_MARK_BYTES).digest()


@strawberry.type(description="Whether there is more, and where to go on.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether there are more behind the last one.")
    has_previous_page: bool = strawberry.field(description="Whether there are more ahead of the first one.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first one: pass it as `before`, where that is taken; null when empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last one: pass it as `after`; null when empty."
    )


@strawberry.type(description="One object of a list, and its place there.")
class Edge[T]:
    """Relay's Edge."""

    node: T = strawberry.field(description="The object.")
    cursor: str = strawberry.field(description="Its place: pass it as `after` to go on behind it.")


@strawberry.type
class Shown[T]:
    """What every page of a list shows; `nodes` is the shorter way to the same objects."""

    edges: list[Edge[T]] = strawberry.field(description="The objects with their cursors.")
    nodes: list[T] = strawberry.field(description="The objects alone.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and where to go on.")


@strawberry.type(description="A page of a list.")
class Connection[T](Shown[T]):
    """Relay's Connection."""

    @classmethod
    def of(cls, found: list[tuple[PydanticObjectId, T]], page: "Page") -> Self:
        """The page of what was found by its `stretch`."""
        edges = page.edges(found)
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=page.info(len(found), edges))


@strawberry.type(description="A page of a list that can be counted.")
class CountedConnection[T](Shown[T]):
    """Relay's Connection with the number of all, which is counted when it is asked for and not before."""

    count: strawberry.Private[Count]

    @classmethod
    def of(cls, found: list[tuple[PydanticObjectId, T]], page: "Page", count: Count) -> Self:
        """The page of what was found by its `stretch`; `count` counts the whole list."""
        edges = page.edges(found)
        nodes, info = [edge.node for edge in edges], page.info(len(found), edges)
        return cls(edges=edges, nodes=nodes, page_info=info, count=count)

    @strawberry.field
    async def total_count(self) -> int:
        """How many there are on all pages, by the same filters."""
        return await self.count()


class Page:
    """What was asked for with `first` and `after`, or with `last` and `before`.

    `stretch` is what to read: in the order of reading, and one more than the page holds.
    """

    def __init__(
        self,
        listing: Listing,
        first: int | None,
        after: str | None,
        last: int | None = None,
        before: str | None = None,
        largest: int = LARGEST_PAGE,
    ) -> None:
        """Read the arguments.

        Raises:
            AppError: BAD_USER_INPUT, with the argument at fault, for a size out of range, for what is no cursor of
                that list in that order, and for arguments that contradict each other.
        """
        if first is not None and last is not None:
            raise bad_input("Ask for the `first` or the `last`, not for both.", "last")
        self._listing = listing
        self._backward = last is not None or (before is not None and first is None and after is None)
        self._size = _checked(last, "last", largest) if last is not None else _checked(first, "first", largest)
        self._after = None if after is None else _place(after, listing, "after")
        self._before = None if before is None else _place(before, listing, "before")
        newer, older = (self._before, self._after) if listing.newest_first else (self._after, self._before)
        if newer and older and newer >= older:
            raise bad_input("Nothing can be behind `after` and ahead of `before`: take them the other way.", "before")
        self.stretch = Stretch(self._size + 1, listing.newest_first is not self._backward, newer, older)

    def edges[T](self, found: list[tuple[PydanticObjectId, T]]) -> list[Edge[T]]:
        """Those that the page holds, in the order of the list."""
        edges = [Edge(node=node, cursor=_cursor(identity, self._listing)) for identity, node in found[: self._size]]
        return edges[::-1] if self._backward else edges

    def info[T](self, found: int, edges: list[Edge[T]]) -> PageInfo:
        """Where there is more, by how many were found; beyond a cursor there is at least its own object."""
        more = found > self._size
        return PageInfo(
            has_next_page=self._before is not None or (more and not self._backward),
            has_previous_page=self._after is not None or (more and self._backward),
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )


def _checked(size: int | None, argument: str, largest: int) -> int:
    wanted = DEFAULT_PAGE if size is None else size
    if not 1 <= wanted <= largest:
        raise bad_input(f"`{argument}` is from 1 to {largest:,}, not {wanted}.", argument)
    return wanted


def _cursor(identity: PydanticObjectId, listing: Listing) -> str:
    return base64.urlsafe_b64encode(listing.mark + identity.binary).decode()


def _place(cursor: str, listing: Listing, argument: str) -> PydanticObjectId:
    """The id of the object that a cursor of that list stands at."""
    try:
        read = base64.b64decode(cursor, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        read = b""
    if len(read) != _MARK_BYTES + _ID_BYTES:
        raise bad_input(f"`{argument}` is not a cursor of this server: pass one as you got it, unchanged.", argument)
    if not read.startswith(listing.mark):
        message = f"`{argument}` is a cursor of another list, or of this one in another order: start anew without it."
        raise bad_input(message, argument)
    return PydanticObjectId(read[_MARK_BYTES:])
