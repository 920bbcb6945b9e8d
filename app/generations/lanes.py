"""Who may run how much: each owner's open generations in their order.

The first few of a lane are its window: they are rung for and may run. A lane only loses ids that are over, so what is
in the window stays in it: no claim has to look here.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import StoredDocument

_OPEN = {"$ne": True}  # lanes of earlier versions don't say


class Lane(StoredDocument):
    """One owner's; its id is the owner's. `open` are ids of generations, oldest first; `busy` when there are any.

    `closed` when the owner is being erased: nothing joins it any more.
    """

    open: list[PydanticObjectId] = Field(default_factory=list[PydanticObjectId])
    busy: bool = False
    closed: bool = False

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "lanes"
        indexes: ClassVar[list[IndexModel]] = [IndexModel([("busy", ASCENDING), ("_id", ASCENDING)], name="busy")]

    @classmethod
    async def join(
        cls, owner_id: PydanticObjectId, generation_id: PydanticObjectId, window: int, limit: int
    ) -> bool | None:
        """Put it at the end, unless it is in already; whether it is in the window.

        Null when the lane holds `limit` others already, or is closed.
        """
        has_room = [{f"open.{limit - 1}": {"$exists": False}}, {"open": generation_id}]
        where = {"_id": owner_id, "$or": has_room, "closed": _OPEN}
        update = {"$addToSet": {"open": generation_id}, "$set": {"busy": True}, "$setOnInsert": {"schemaVersion": 1}}
        try:
            row = await cls._changed(where, update, window, upsert=True)
        except DuplicateKeyError:  # the condition refused the lane: it is full or closed, or was made just now
            row = await cls._changed(where, update, window, upsert=False)
        return None if row is None else generation_id in row["open"]

    @classmethod
    async def leave(
        cls, owner_id: PydanticObjectId, ids: Sequence[PydanticObjectId], window: int
    ) -> list[PydanticObjectId]:
        """Take them out; those that came into the window by it."""
        rest = {"$filter": {"input": "$open", "as": "one", "cond": {"$eq": [{"$in": ["$$one", list(ids)]}, False]}}}
        update: list[dict[str, Any]] = [{"$set": {"open": rest}}, {"$set": {"busy": {"$gt": [{"$size": "$open"}, 0]}}}]
        row = await cls._changed({"_id": owner_id}, update, window, upsert=False)
        return [] if row is None else row["open"][max(0, window - len(ids)) :]

    @classmethod
    async def admit(cls, owner_id: PydanticObjectId, generation_id: PydanticObjectId) -> None:
        """Put in, whatever the limit, what was accepted and is in no lane, unless it is closed; safe to repeat."""
        update = {"$addToSet": {"open": generation_id}, "$set": {"busy": True}, "$setOnInsert": {"schemaVersion": 1}}
        with suppress(DuplicateKeyError):  # it is closed, or was made just now: the next sweep sees which
            await cls.rows().update_one({"_id": owner_id, "closed": _OPEN}, update, upsert=True)

    @classmethod
    async def close(cls, owner_id: PydanticObjectId) -> None:
        """Empty it, and let nothing join it any more; safe to repeat."""
        closed = {"open": list[PydanticObjectId](), "busy": False, "closed": True, "schemaVersion": 1}
        try:
            await cls.rows().update_one({"_id": owner_id}, {"$set": closed}, upsert=True)
        except DuplicateKeyError:  # it was made just now
            await cls.rows().update_one({"_id": owner_id}, {"$set": closed})

    @classmethod
    async def is_closed(cls, owner_id: PydanticObjectId) -> bool:
        """Whether nothing can join it any more."""
        return await cls.rows().find_one({"_id": owner_id, "closed": True}, {"_id": 1}) is not None

    @classmethod
    async def forget(cls, owner_id: PydanticObjectId) -> None:
        """Delete a closed one."""
        await cls.rows().delete_one({"_id": owner_id, "closed": True})

    @classmethod
    async def all_busy(cls) -> list[Self]:
        """Every lane that is not empty."""
        return [cls.model_validate(row) async for row in cls.rows().find({"busy": True}).sort("_id", ASCENDING)]

    @classmethod
    async def _changed(
        cls, where: dict[str, Any], update: dict[str, Any] | list[dict[str, Any]], window: int, *, upsert: bool
    ) -> dict[str, Any] | None:
        """The lane after the update, no more of it than its window."""
        return await cls.rows().find_one_and_update(
            where,
            update,
            projection={"open": {"$slice": window}},
            upsert=upsert,
            return_document=ReturnDocument.AFTER,
        )
