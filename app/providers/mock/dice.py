"""Chance that falls the same way every time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Dice:
    """Throws that follow from a seed alone, on every machine and in every version of Python."""

    seed: bytes
    _thrown: int = 0

    @classmethod
    def of(cls, *parts: bytes) -> "Dice":
        """Those of a request's parts; where one part ends and the next begins counts."""
        return cls(hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest())

    def between(self, low: float, high: float) -> float:
        """A number from `low` up to `high`."""
        digest = hashlib.blake2b(self._thrown.to_bytes(8), key=self.seed, digest_size=6).digest()
        self._thrown += 1
        return low + (high - low) * int.from_bytes(digest) / (1 << 48)

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return min(high, low + int(self.between(0, high - low + 1)))

    def one_of[Item](self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.whole(0, len(items) - 1)]
