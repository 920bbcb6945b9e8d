"""Pages of a list in which everything has a number that never changes: a chat's messages."""

from typing import Final, override

from app.api.connections import Window
from app.chats.listing import Span

_BYTES: Final = 4


class Numbers(Window[int]):
    """A page of a list in the order of numbers, from 0; the list is not the newest first."""

    @property
    def span(self) -> Span:
        """What to read: in the order of reading, and one more than the page holds."""
        return Span(self._size + 1, self._backward, self._after, self._before)

    @override
    def _binary(self, place: int) -> bytes:
        return place.to_bytes(_BYTES)

    @override
    def _read(self, binary: bytes) -> int | None:
        return int.from_bytes(binary) if len(binary) == _BYTES else None
