"""What is left of what was deleted for ever, for as long as others descend from it or work on it goes on."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import BulkWriteError

from app.database.clock import DatabaseClock
from app.database.document import Instant, StoredDocument, utc_now
from app.lineage.discardable import Discardable, chunks
from app.lineage.place import Lineage
from app.lineage.version import Link, Version, links_in

_NOW = {"$currentDate": {"touchedAt": True}}
"""Have it looked at again, a grace period from now by the database's own clock."""
_DUPLICATE_KEY = 11000


class Tombstone(StoredDocument):
    """Ids alone, under the version's own.

    `collection` is the one that it was in. `touched_at` is when something happened that may make it
    superfluous, null once somebody has looked.
    """

    owner_id: PydanticObjectId
    collection: str
    lineage: Lineage
    parent_id: PydanticObjectId | None
    touched_at: Instant | None = Field(default_factory=utc_now)

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "tombstones"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("ownerId", ASCENDING), ("_id", ASCENDING)], name="owner"),
            IndexModel([("lineage.rootId", ASCENDING), ("_id", ASCENDING)], name="tree"),
            IndexModel([("touchedAt", ASCENDING), ("_id", ASCENDING)], name="touched", sparse=True),
        ]

    @classmethod
    def for_version(cls, version: Version) -> Self:
        """That of a version; not stored yet."""
        return cls(
            id=version.identity,
            owner_id=version.owner_id,
            collection=version.rows().name,
            lineage=version.lineage,
            parent_id=version.parent_id,
        )

    @classmethod
    def for_single(cls, document: Discardable) -> Self:
        """That of something that has no versions below it; not stored yet."""
        identity = document.identity
        return cls(
            id=identity,
            owner_id=document.owner_id,
            collection=document.rows().name,
            lineage=Lineage.of_root(identity),
            parent_id=None,
        )

    @classmethod
    def above(cls, version: Version, depth: int) -> Self:
        """That of a version's ancestor at that depth; not stored yet."""
        place = version.lineage.of_ancestor(depth)
        return cls(
            id=version.lineage.ancestors[depth],
            owner_id=version.owner_id,
            collection=version.rows().name,
            lineage=place,
            parent_id=place.parent_id,
        )

    @classmethod
    async def keep(cls, tombstones: Sequence[Self]) -> None:
        """Store those (one at least) that are not there yet, and touch all; safe to repeat and to race."""
        try:
            await cls.insert_many(tombstones, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != _DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise
        await cls.touch([one.identity for one in tombstones])

    @classmethod
    async def touch(cls, ids: Sequence[PydanticObjectId]) -> None:
        """Have those of `ids` that exist looked at again."""
        for some in chunks(ids):
            await cls.rows().update_many({"_id": {"$in": some}}, _NOW)

    @classmethod
    async def of(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}})
        found = [cls.model_validate(row) async for row in rows]
        return {tombstone.identity: tombstone for tombstone in found}

    @classmethod
    async def links(cls, root_ids: Iterable[PydanticObjectId]) -> list[Link]:
        """Every one of those roots' trees."""
        return await links_in(cls.rows(), root_ids)

    @classmethod
    async def database_time(cls) -> datetime:
        """The clock that `touched_at` is written by."""
        clock = DatabaseClock()
        await clock.set(cls.rows().database)
        return clock.now()

    @classmethod
    async def touched(cls, before: datetime, limit: int) -> list[Self]:
        """Those that wait for a look and were touched before then, the longest waiting first."""
        order = [("touchedAt", ASCENDING), ("_id", ASCENDING)]
        rows = cls.rows().find({"touchedAt": {"$lt": before}}).sort(order).limit(limit)
        return [cls.model_validate(row) async for row in rows]

    async def rest(self) -> None:
        """Look at it no more, unless it was touched since it was read."""
        await self.rows().update_one(self._unchanged, {"$unset": {"touchedAt": ""}})

    async def forget(self) -> None:
        """Delete it, unless it was touched since it was read."""
        await self.rows().delete_one(self._unchanged)

    @property
    def _unchanged(self) -> dict[str, object]:
        return {"_id": self.identity, "touchedAt": self.touched_at}
