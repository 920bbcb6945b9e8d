"""That an account is to be erased: the one document that is the truth of it, and all that is left in the end."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self
from uuid import uuid4

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument
from app.generations.leases import until

_LEASE_S: Final = 60.0
_DUE_AT_ONCE: Final = 20
_NOT_BEGUN: Final = {
    "$and": [{"$eq": [{"$ifNull": ["$waitS", 0]}, 0]}, {"$eq": [{"$ifNull": ["$holder", None]}, None]}]
}
"""Nobody has done a round, or does one now."""


class Erasure(StoredDocument):
    """Ids and times alone, under the user's own id.

    `look_at` is when somebody has to erase again whatever there is by then, `wait_s` how long nobody had to before.
    `holder` is who does it now, and has until `look_at` for it; null while nobody does. By the database's clock.
    `subject_key` is that of an account of an outside issuer, a hash: its old tokens must not make it anew.
    """

    asked_at: Instant
    look_at: Instant
    wait_s: float = 0
    holder: str | None = None
    subject_key: str | None = None

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "erasures"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("askedAt", ASCENDING)], name="asked"),
            IndexModel([("lookAt", ASCENDING), ("_id", ASCENDING)], name="due"),
            IndexModel([("subjectKey", ASCENDING)], name="subject", sparse=True),
        ]

    @classmethod
    async def ask(cls, user_id: PydanticObjectId, subject_key: str | None = None) -> None:
        """Have everything of that user erased, from now on; safe to repeat and to race."""
        more = {} if subject_key is None else {"subjectKey": subject_key}
        await cls._keep(user_id, {"$cond": [_NOT_BEGUN, "$$NOW", "$lookAt"]}, more)

    @classmethod
    async def promise(cls, user_id: PydanticObjectId, after_s: float) -> None:
        """Have it begun so many seconds from now unless it is asked for before: also when who would ask is killed."""
        await cls._keep(user_id, {"$ifNull": ["$lookAt", until(after_s)]}, {})

    @classmethod
    async def _keep(cls, user_id: PydanticObjectId, look_at: Any, more: Mapping[str, Any]) -> None:
        """Store it with `more`, unless it is there."""
        first: dict[str, Any] = {"askedAt": "$$NOW", "waitS": 0, "schemaVersion": 1, **more}
        kept = {name: {"$ifNull": [f"${name}", value]} for name, value in first.items()}
        with suppress(DuplicateKeyError):  # another call made it just now
            await cls.rows().update_one({"_id": user_id}, [{"$set": {**kept, "lookAt": look_at}}], upsert=True)

    @classmethod
    async def asked_since(cls, moment: datetime) -> Mapping[PydanticObjectId, datetime]:
        """Whose account was erased since then, and when."""
        rows = cls.rows().find({"askedAt": {"$gte": moment}}, {"askedAt": 1})
        return {row["_id"]: row["askedAt"].replace(tzinfo=UTC) async for row in rows}

    @classmethod
    async def asked_for(cls, subject_key: str) -> datetime | None:
        """When the latest account of that subject was erased; null for none that is remembered."""
        rows = cls.rows().find({"subjectKey": subject_key}, {"askedAt": 1})
        return max([row["askedAt"].replace(tzinfo=UTC) async for row in rows], default=None)

    @classmethod
    async def due(cls, now: datetime) -> list[PydanticObjectId]:
        """Those that somebody has to look at; the 20 that wait longest."""
        order = [("lookAt", ASCENDING), ("_id", ASCENDING)]
        rows = cls.rows().find({"lookAt": {"$lte": now, "$ne": None}}, {"_id": 1}).sort(order).limit(_DUE_AT_ONCE)
        return [row["_id"] async for row in rows]

    @classmethod
    async def take(cls, user_id: PydanticObjectId) -> Self | None:
        """Hold it for the length of a lease; null while somebody else does, or where there is nothing to do."""
        where = {"_id": user_id, "$expr": {"$lte": ["$lookAt", "$$NOW"]}}
        lease = [{"$set": {"holder": uuid4().hex, "lookAt": until(_LEASE_S)}}]
        row = await cls.rows().find_one_and_update(where, lease, return_document=ReturnDocument.AFTER)
        return None if row is None else cls.model_validate(row)

    async def hold(self) -> None:
        """Hold it for another lease; nothing happens when somebody else does by now."""
        await self.rows().update_one(self._held, [{"$set": {"lookAt": until(_LEASE_S)}}])

    async def rest(self, wait_s: float) -> None:
        """Let go of it until so many seconds from now."""
        later = {"holder": None, "lookAt": until(wait_s), "waitS": wait_s}
        await self.rows().update_one(self._held, [{"$set": later}])

    async def forget(self) -> None:
        """Delete it."""
        await self.rows().delete_one(self._held)

    @property
    def _held(self) -> dict[str, Any]:
        return {"_id": self.identity, "holder": self.holder}
