"""What all processes agree on: whether work is taken, and whose turn it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import uuid4

from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import StoredDocument

_DRAIN = "drain"


class Turn(StoredDocument):
    """One chore that one process at a time does; its id is the chore's name."""

    id: str  # type: ignore[assignment] # pyright: ignore[reportIncompatibleVariableOverride] - Beanie's own way to name an id
    holder: str | None = None
    until: datetime | None = None
    on: bool = False

    class Settings:
        """Where they are kept: few, and found by their id."""

        name = "turns"
        indexes: ClassVar[list[IndexModel]] = []

    @classmethod
    async def take(cls, chore: str, every_s: float) -> bool:
        """Whether it is this process's turn; nobody else's for `every_s` seconds, by the database's clock."""
        mine = uuid4().hex
        due = {"$lte": ["$until", "$$NOW"]}  # a moment that is missing is before any other
        until = {"$add": ["$$NOW", round(every_s * 1000)]}
        changes = {
            "holder": {"$cond": [due, mine, "$holder"]},
            "until": {"$cond": [due, until, "$until"]},
            "schemaVersion": 1,
        }
        try:  # decided in the update: MongoDB refuses $expr in the condition of an upsert
            row = await cls.rows().find_one_and_update(
                {"_id": chore}, [{"$set": changes}], upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # another process made it just now
            return False
        return row is not None and row["holder"] == mine

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
