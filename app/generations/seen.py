"""How far a follower has been told of each generation."""

from typing import Protocol

from beanie import PydanticObjectId


class Seen(Protocol):
    """The number of the last event that was handed on, by generation."""

    def get(self, generation_id: PydanticObjectId, default: int, /) -> int:
        """That number, or the default."""
        ...

    def pop(self, generation_id: PydanticObjectId, default: None, /) -> int | None:
        """Forget it."""
        ...

    def __setitem__(self, generation_id: PydanticObjectId, sequence: int, /) -> None: ...

    def __len__(self) -> int: ...


class SeenOfOne:
    """Of the only generation that is followed: ids are slow keys, a dictionary is large, and there are many of us."""

    __slots__ = ("_sequence",)

    def __init__(self) -> None:
        self._sequence: int | None = None

    def get(self, generation_id: PydanticObjectId, default: int, /) -> int:
        """As `Seen.get`."""
        del generation_id
        return default if self._sequence is None else self._sequence

    def pop(self, generation_id: PydanticObjectId, default: None, /) -> int | None:
        """As `Seen.pop`."""
        del generation_id
        sequence, self._sequence = self._sequence, default
        return sequence

    def __setitem__(self, generation_id: PydanticObjectId, sequence: int, /) -> None:
        self._sequence = sequence

    def __len__(self) -> int:
        return self._sequence is not None
