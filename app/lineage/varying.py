"""Several children of an image for one wish."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.errors import AppError
from app.generations.model import Generation
from app.lineage.again import Again, check_variations

type Known = Callable[[str | None, str | None], Awaitable[Generation | None]]
"""The generation that the same call, of that key and that input, has started before."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """How many children there are to be, and the call's key and input, of which each number has its own."""

    variations: int
    key: str | None = None
    asked: str | None = None

    def key_of(self, number: int) -> str | None:
        """The first one has the key itself, so that one which was used for anything else is refused with it."""
        return self.key if self.key is None or number == 1 else f"{self.key}:{number}"

    def asked_of(self, number: int) -> str | None:
        """What is asked with that key."""
        return self.asked if self.asked is None or number == 1 else f"{self.asked}:{number}"


@dataclass(frozen=True, slots=True)
class Varying[A: Again]:
    """Starts variations.

    `want` says what is wanted. `start` starts one child, under that key and of that input; what the same call has
    started before it gives again.
    """

    want: Callable[[], Awaitable[A]]
    known: Known
    start: Callable[[A, str | None, str | None], Awaitable[Generation]]

    async def all(self, numbered: Numbered) -> "Varied":
        """Start each variation that the same call has not started before.

        So when the queue is full in the middle, the same call with the same key starts what is missing.

        Raises:
            AppError: as `start`, and those of `want`, when none was started.
        """
        check_variations(numbered.variations)
        started, again = list[Generation](), None
        for number in range(1, numbered.variations + 1):
            key, asked = numbered.key_of(number), numbered.asked_of(number)
            try:
                again = again or await self.want()
                one = await self.start(replace(again, variation=number), key, asked)
            except AppError as error:
                known = await self.known(key, asked)  # what it was made from may be gone by now
                if known is None:
                    if not started:
                        raise
                    return Varied(started, error)
                one = known
            started.append(one)
        return Varied(started)


class Varied(NamedTuple):
    """The generations that were started, in the order of their numbers, and why the rest of them was not."""

    started: Sequence[Generation]
    refused: AppError | None = None
