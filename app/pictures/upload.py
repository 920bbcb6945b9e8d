"""A file that has come and that nobody has looked into yet."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from beanie import PydanticObjectId


@dataclass(frozen=True, slots=True)
class Upload:
    """`sha256` is the hex digest of all its bytes; `read` returns them, or more than are accepted, and blocks."""

    sha256: str
    read: Callable[[], bytes] = field(repr=False)

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Of bytes that are here already; hashing them blocks for some milliseconds."""
        return cls(hashlib.sha256(data).hexdigest(), lambda: data)


@dataclass(frozen=True, slots=True)
class Memory:
    """Which picture an owner's upload became: the `at_most` latest of this process, so that it is decoded once."""

    at_most: int = 4_096
    _pictures: OrderedDict[tuple[PydanticObjectId, str], PydanticObjectId] = field(
        default_factory=OrderedDict[tuple[PydanticObjectId, str], PydanticObjectId], repr=False
    )

    def get(self, owner_id: PydanticObjectId, sha256: str) -> PydanticObjectId | None:
        """The picture, which may be gone; null when nobody knows."""
        return self._pictures.get((owner_id, sha256))

    def keep(self, owner_id: PydanticObjectId, sha256: str, picture_id: PydanticObjectId) -> None:
        """Remember it, and forget the one that nobody has sent for longest."""
        self._pictures[owner_id, sha256] = picture_id
        self._pictures.move_to_end((owner_id, sha256))
        if len(self._pictures) > self.at_most:
            self._pictures.popitem(last=False)
