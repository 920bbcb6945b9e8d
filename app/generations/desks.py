"""What those who follow the same are told of a piece of news, each by what they were told before.

A desk of each follower knows that. What has to be read of the database for it is the same for all, so that one look is
enough for those who wait for news at the same time; what it means to each is then found without waiting.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.generations.followers import Follower, News


def _nothing() -> None:
    """There is nothing to be noted."""


@dataclass(frozen=True, slots=True)
class Foretold[T]:
    """What a follower is to be told; `note` is called when it is, and `is_over` says that nothing comes after it."""

    told: Sequence[T] = ()
    note: Callable[[], None] = _nothing
    is_over: bool = False


@dataclass(slots=True)
class Turns[T]:
    """Whose turn it is to tell a follower: its reader's, or that of a relay.

    `count` is another one whenever the reader has read. What a relay had begun to tell, and could not end, is `owed`.
    """

    count: int = 0
    owed: list[T] = field(default_factory=list[T])

    def begin(self) -> list[T]:
        """The reader's begins, with what is owed."""
        self.count += 1
        owed, self.owed = self.owed, []
        return owed


class Desk[T](Protocol):
    """One follower's, of which a relay may tell in its reader's place."""

    @property
    def follower(self) -> Follower:
        """Who follows."""
        ...

    @property
    def turns(self) -> Turns[T]:
        """Of the reader and the relay."""
        ...


type Foretell[D, T] = Callable[[D], Foretold[T] | None]
"""What news mean to one desk; null where its reader has to find out."""
type Look[D, T] = Callable[[News, Sequence[D]], Awaitable[Foretell[D, T]]]
"""Reads what those desks have to know of the news, at once."""
type RelayTo[D] = Callable[[D, News], bool]
"""As `Relay`, of a desk."""
