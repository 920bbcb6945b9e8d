"""What was asked for last, within a bound: by what it weighs, which is what keeping it costs."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

CHARACTERS_MAX: Final = 200_000
"""Of operations' texts: compiled, one takes 220 to 340 bytes for each of its characters, its document included."""


class Kept[K, V]:
    """Values by their keys; once they weigh more than `at_most`, those that were not asked for the longest go."""

    def __init__(self, at_most: int = CHARACTERS_MAX) -> None:
        self._at_most = at_most
        self._weight = 0
        self._known = OrderedDict[K, tuple[V, int]]()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._known)

    def __iter__(self) -> Iterator[V]:
        """The values, those that were asked for last at the end."""
        return (value for value, _ in self._known.values())

    def __contains__(self, key: K) -> bool:
        """Whether something is kept for a key."""
        return key in self._known

    def find(self, key: K) -> V | None:
        """The value of a key, if it is kept."""
        found = self._known.get(key)
        if found is None:
            return None
        self._known.move_to_end(key)
        return found[0]

    def keep(self, key: K, value: V, weight: int) -> None:
        """Keep a value; one that is too heavy alone is not kept."""
        before = self._known.pop(key, None)
        self._weight += weight - (before[1] if before else 0)
        self._known[key] = value, weight
        while self._weight > self._at_most:
            _, (_, gone) = self._known.popitem(last=False)
            self._weight -= gone
