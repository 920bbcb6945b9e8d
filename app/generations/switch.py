"""What all processes agree on: whether work is taken, and whose turn it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from app.database.document import StoredDocument

_DRAIN = "drain"


class Turn(StoredDocument):
    """One chore that one process at a time does; its id is the chore's name."""

    id: str  # type: ignore[assignment] # pyright: ignore[reportIncompatibleVariableOverride] - Beanie's own way to name an id
    until: datetime | None = None
    on: bool = False

    class Settings:
        """Where they are kept: few, and found by their id."""

        name = "turns"
        indexes: ClassVar[list[IndexModel]] = []

    @classmethod
    async def take(cls, chore: str, every_s: float) -> bool:
        """Whether it is this process's turn; nobody else's for `every_s` seconds, by the database's clock."""
        due = {"$expr": {"$lte": ["$until", "$$NOW"]}}
        until = {"$add": ["$$NOW", round(every_s * 1000)]}
        try:
            result = await cls.rows().update_one(
                {"_id": chore, **due}, [{"$set": {"until": until, "schemaVersion": 1}}], upsert=True
            )
        except DuplicateKeyError:
            return False
        return result.matched_count > 0 or result.upserted_id is not None

    @classmethod
    async def draining(cls) -> bool:
        """Whether no process is to begin any work."""
        row = await cls.rows().find_one({"_id": _DRAIN})
        return row is not None and bool(row.get("on"))

    @classmethod
    async def drain(cls, *, on: bool) -> None:
        """Tell all processes to begin no work, or to begin again; they look every few seconds."""
        await cls.rows().update_one({"_id": _DRAIN}, {"$set": {"on": on, "schemaVersion": 1}}, upsert=True)


@dataclass(slots=True)
class Switch:
    """Off while this process is to claim nothing."""

    off: bool = False
