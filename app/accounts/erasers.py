"""What erases the things of an account: the port that each feature implements, and the plainest implementation."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final, Protocol

from beanie import PydanticObjectId

from app.database.document import StoredDocument

_AT_ONCE: Final = 400


class Eraser(Protocol):
    """Erases what one feature has of an owner; a feature joins with one of these and one line in `bootstrap`."""

    @property
    def name(self) -> str:
        """What it erases, for the log."""
        ...

    def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        """Erase everything, a few hundred at a time: how many, after each time.

        Safe to repeat, to race and to break off anywhere, because it is: in many rounds, by any process.

        Raises:
            AppError: something is left that can't be erased now, because somebody works on it, or its store is away.
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnedRows:
    """Documents that are nothing but their owner's, whose id is in the field `key`: an index begins with it."""

    kind: type[StoredDocument]
    key: str = "ownerId"

    @property
    def name(self) -> str:
        """That of the collection."""
        return self.kind.rows().name

    async def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        """Delete them by their ids: each command stays within the deadline of an operation."""
        rows = self.kind.rows()
        while ids := [row["_id"] async for row in rows.find({self.key: owner_id}, {"_id": 1}).limit(_AT_ONCE)]:
            await rows.delete_many({"_id": {"$in": ids}})
            yield len(ids)
