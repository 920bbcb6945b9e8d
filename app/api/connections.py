"""Relay connections with keyset cursors: a page starts behind an object, not at a number, so it never shifts."""

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple, Self, override

import strawberry
from beanie import PydanticObjectId

from app.api.derived import derived, deriving
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
type Found[P, T] = Sequence[tuple[P, T]]
"""Places in a list, and the objects there, in the order of reading; one more than a page holds tells of more."""


class Listing(NamedTuple):
    """What a cursor is a place of: a list, whose it is (a user, an image), and its order, which is that of ids."""

    name: str
    of: PydanticObjectId
    newest_first: bool = True

    @property
    def mark(self) -> bytes:
        """What its cursors are told from others by."""
        return blake2b(f"{self.name}/{self.of}/{self.newest_first}".encode(), digest_size=_MARK_BYTES).digest()


@deriving
@strawberry.type(description="Whether there is more, and where to go on.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = derived(
        "Whether there are more behind the last one.", lambda shown: shown.window.has_next(shown.found)
    )
    has_previous_page: bool = derived(
        "Whether there are more ahead of the first one.", lambda shown: shown.window.has_previous(shown.found)
    )
    start_cursor: str | None = derived(
        "The cursor of the first one: pass it as `before`, where that is taken; null when empty.",
        lambda shown: shown.window.cursor_at(shown.found, 0),
    )
    end_cursor: str | None = derived(
        "The cursor of the last one: pass it as `after`; null when empty.",
        lambda shown: shown.window.cursor_at(shown.found, -1),
    )
    found: strawberry.Private[Found[Any, Any]]
    window: strawberry.Private["Window[Any]"]


@strawberry.type(description="One object of a list, and its place there.")
class Edge[T]:
    """Relay's Edge."""

    node: T = strawberry.field(description="The object.")
    cursor: str = strawberry.field(description="Its place: pass it as `after` to go on behind it.")


@deriving
@strawberry.type
class Shown[T]:
    """What every page of a list shows; `nodes` is the shorter way to the same objects."""

    edges: list[Edge[T]] = derived("The objects with their cursors.", lambda shown: shown.window.edges(shown.found))
    nodes: list[T] = derived("The objects alone.", lambda shown: shown.window.nodes(shown.found))
    page_info: PageInfo = derived(
        "Whether there is more, and where to go on.",
        lambda shown: PageInfo(found=shown.found, window=shown.window),
    )
    found: strawberry.Private[Found[Any, T]]
    window: strawberry.Private["Window[Any]"]


@strawberry.type(description="A page of a list.")
class Connection[T](Shown[T]):
    """Relay's Connection."""

    @classmethod
    def of(cls, found: Found[PydanticObjectId, T], page: "Page") -> Self:
        """The page of what was found by its `stretch`."""
        return cls(found=found, window=page)


@strawberry.type(description="A page of a list that can be counted.")
class CountedConnection[T](Shown[T]):
    """Relay's Connection with the number of all, which is counted when it is asked for and not before."""

    count: strawberry.Private[Count]

    @classmethod
    def of[P: (PydanticObjectId, int)](cls, found: Found[P, T], page: "Window[P]", count: Count) -> Self:
        """The page of what was found by its stretch; `count` counts the whole list."""
        return cls(found=found, window=page, count=count)

    @strawberry.field
    async def total_count(self) -> int:
        """How many there are on all pages, by the same filters."""
        return await self.count()


class Window[P: (PydanticObjectId, int)](ABC):
    """What was asked of a list with `first` and `after`, or with `last` and `before`; its places are of any one kind.

    A cursor is the mark of its list and a place there.
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
        self._after: P | None = None if after is None else self._place(after, "after")
        self._before: P | None = None if before is None else self._place(before, "before")
        lower, upper = (self._before, self._after) if listing.newest_first else (self._after, self._before)
        if lower is not None and upper is not None and lower >= upper:
            raise bad_input("Nothing can be behind `after` and ahead of `before`: take them the other way.", "before")

    @abstractmethod
    def _binary(self, place: P) -> bytes:
        """A place as its cursor holds it."""

    @abstractmethod
    def _read(self, binary: bytes) -> P | None:
        """The place that a cursor holds; null when that is none."""

    def nodes[T](self, found: Found[P, T]) -> list[T]:
        """Those that the page holds, in the order of the list."""
        return [node for _, node in self.held(found)]

    def edges[T](self, found: Found[P, T]) -> list[Edge[T]]:
        """The same, with their cursors."""
        return [Edge(node=node, cursor=self._cursor(place)) for place, node in self.held(found)]

    def has_next[T](self, found: Found[P, T]) -> bool:
        """Whether there are more behind, by how many were found; ahead of a cursor there is at least its own object."""
        return self._before is not None or (len(found) > self._size and not self._backward)

    def has_previous[T](self, found: Found[P, T]) -> bool:
        """Whether there are more ahead, likewise."""
        return self._after is not None or (len(found) > self._size and self._backward)

    def cursor_at[T](self, found: Found[P, T], index: int) -> str | None:
        """The cursor of one that the page holds; null when it holds none."""
        held = self.held(found)
        return self._cursor(held[index][0]) if held else None

    def held[X](self, found: Sequence[X]) -> Sequence[X]:
        """Of what was found, what the page holds, in the order of the list."""
        held = found[: self._size]
        return held[::-1] if self._backward else held

    def _cursor(self, place: P) -> str:
        return base64.urlsafe_b64encode(self._mark + self._binary(place)).decode()

    @cached_property
    def _mark(self) -> bytes:
        return self._listing.mark

    def _place(self, cursor: str, argument: str) -> P:
        """The place that a cursor of the list stands at."""
        try:
            read = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            read = b""
        place = self._read(read[_MARK_BYTES:])
        if place is None:
            message = f"`{argument}` is not a cursor of this server: pass one as you got it, unchanged."
            raise bad_input(message, argument)
        if not read.startswith(self._mark):
            message = (
                f"`{argument}` is a cursor of another list, or of this one in another order: start anew without it."
            )
            raise bad_input(message, argument)
        return place


class Page(Window[PydanticObjectId]):
    """A page of a list in the order of ids.

    `stretch` is what to read: in the order of reading, and one more than the page holds.
    """

    @property
    def stretch(self) -> Stretch:
        """What to read."""
        newest_first = self._listing.newest_first
        newer, older = (self._before, self._after) if newest_first else (self._after, self._before)
        return Stretch(self._size + 1, newest_first is not self._backward, newer, older)

    @override
    def _binary(self, place: PydanticObjectId) -> bytes:
        return place.binary

    @override
    def _read(self, binary: bytes) -> PydanticObjectId | None:
        return PydanticObjectId(binary) if len(binary) == _ID_BYTES else None


def _checked(size: int | None, argument: str, largest: int) -> int:
    wanted = DEFAULT_PAGE if size is None else size
    if not 1 <= wanted <= largest:
        raise bad_input(f"`{argument}` is from 1 to {largest:,}, not {wanted}.", argument)
    return wanted
