"""How many sockets one party has open in this process."""

from collections import Counter
from collections.abc import Callable


class SeatsTakenError(Exception):
    """This party has as many sockets as it may; the message says what to do."""


class Seats:
    """At most `at_most` sockets a party; 0 is no limit. A party that is null is not known, and not limited."""

    def __init__(self, at_most: int = 0) -> None:
        self._at_most = at_most
        self._taken = Counter[str]()

    def __len__(self) -> int:
        """How many are taken."""
        return self._taken.total()

    def take(self, party: str | None) -> Callable[[], None]:
        """Take one; the answer gives it back, once.

        Raises:
            SeatsTakenError: there is none left.
        """
        if party is None:
            return lambda: None
        if self._at_most and self._taken[party] >= self._at_most:
            raise SeatsTakenError(f"At most {self._at_most} sockets: close one first")
        self._taken[party] += 1
        is_taken = True

        def leave() -> None:
            nonlocal is_taken
            if is_taken:
                is_taken = False
                self._taken[party] -= 1
                if not self._taken[party]:
                    del self._taken[party]

        return leave
