"""What is known of an archive; its bytes are a file."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument


class ArchiveState(StrEnum):
    """What its file is."""

    UNFINISHED = "UNFINISHED"
    """It is being written: there may be no file yet."""
    READY = "READY"
    """Made here, for its owner to fetch."""
    RECEIVED = "RECEIVED"
    """Sent in by its owner, for a generation to read."""


class Archive(StoredDocument):
    """A zip that is kept until `expires_at`, and longer if the generation that works with it has not ended by then.

    The document comes before the file and goes after it, so that no file is without one. `sha256` (hexadecimal) and
    `byte_size` are empty while it is unfinished. `generation_id` is what made it, or what reads it; `attempt` is the
    number of the attempt that made it, 0 for one that was sent in.
    """

    owner_id: PydanticObjectId
    generation_id: PydanticObjectId | None
    attempt: int = 0
    file_name: str
    state: ArchiveState = ArchiveState.UNFINISHED
    sha256: str = ""
    byte_size: int = 0
    created_at: Instant
    expires_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "archives"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("ownerId", DESCENDING), ("_id", DESCENDING)], name="owner_newest"),
            IndexModel([("generationId", ASCENDING)], name="generation"),
            IndexModel([("expiresAt", ASCENDING), ("_id", ASCENDING)], name="expiring"),
        ]

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id."""
        found = [cls.model_validate(row) async for row in cls.rows().find({"_id": {"$in": list(ids)}})]
        return {archive.identity: archive for archive in found}

    @classmethod
    async def of_owner(cls, owner_id: PydanticObjectId) -> list[Self]:
        """The owner's, newest first."""
        rows = cls.rows().find({"ownerId": owner_id}).sort("_id", DESCENDING)
        return [cls.model_validate(row) async for row in rows]

    @classmethod
    async def of_generation(cls, generation_id: PydanticObjectId) -> list[Self]:
        """Those that a generation made or reads."""
        return [cls.model_validate(row) async for row in cls.rows().find({"generationId": generation_id})]

    @classmethod
    async def number_of(cls, owner_id: PydanticObjectId) -> int:
        """How many the owner has."""
        return await cls.rows().count_documents({"ownerId": owner_id})

    @classmethod
    async def expired(cls, before: datetime, limit: int) -> list[Self]:
        """So many that were to be kept until before then, the longest expired first."""
        order = [("expiresAt", ASCENDING), ("_id", ASCENDING)]
        rows = cls.rows().find({"expiresAt": {"$lt": before}}).sort(order).limit(limit)
        return [cls.model_validate(row) async for row in rows]

    async def start(self) -> bool:
        """Store it; false when there is one of its id, which stays as it is."""
        try:
            await self.insert()
        except DuplicateKeyError:
            return False
        return True

    async def finished(self, state: ArchiveState, sha256: str, byte_size: int, expires_at: datetime) -> Self | None:
        """It again, with its file; null when it was deleted meanwhile."""
        return await self._changed({"state": state, "sha256": sha256, "byteSize": byte_size, "expiresAt": expires_at})

    async def pass_on(self, generation_id: PydanticObjectId) -> Self | None:
        """It again, kept for as long as that generation has not ended.

        Null when it was deleted meanwhile, or has passed on to another.
        """
        return await self._changed(
            {"generationId": generation_id}, {"generationId": {"$in": [self.generation_id, generation_id]}}
        )

    async def keep_until(self, expires_at: datetime) -> None:
        """Keep it until then."""
        await self._changed({"expiresAt": expires_at})

    async def forget(self) -> None:
        """Delete the document."""
        await self.rows().delete_one({"_id": self.identity})

    async def _changed(self, change: Mapping[str, Any], where: Mapping[str, Any] | None = None) -> Self | None:
        row = await self.rows().find_one_and_update(
            {"_id": self.identity, **(where or {})}, {"$set": dict(change)}, return_document=ReturnDocument.AFTER
        )
        return None if row is None else self.model_validate(row)
