"""What can go to the trash, come back out of it, or be deleted for ever, whatever its product."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import Any, Self

from beanie import PydanticObjectId

from app.database.document import Instant, StoredDocument

_IN_ONE_QUERY = 400


def chunks(ids: Iterable[PydanticObjectId]) -> Iterator[list[PydanticObjectId]]:
    """As many at a time as one query may name."""
    return (list(some) for some in batched(ids, _IN_ONE_QUERY, strict=False))


class Discardable(StoredDocument):
    """Whose it is; `trashed_at` is when it went to the trash, by the database's clock, null for what is not in it."""

    owner_id: PydanticObjectId
    trashed_at: Instant | None = None

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id."""
        found = await cls._read(cls.rows().find({"_id": {"$in": list(ids)}}).batch_size(_IN_ONE_QUERY))
        return {one.identity: one for one in found}

    @classmethod
    async def into_trash(cls, ids: Sequence[PydanticObjectId]) -> None:
        """Put those (400 at most) into the trash; what is in it stays there as it is."""
        where = {"_id": {"$in": list(ids)}, "trashedAt": None}
        await cls.rows().update_many(where, {"$currentDate": {"trashedAt": True}})

    @classmethod
    async def out_of_trash(cls, ids: Sequence[PydanticObjectId]) -> None:
        """Take those (400 at most) out of the trash."""
        await cls.rows().update_many({"_id": {"$in": list(ids)}}, {"$set": {"trashedAt": None}})

    @classmethod
    async def remove(cls, ids: Sequence[PydanticObjectId]) -> None:
        """Delete the documents alone (400 at most); what else that takes is the product's."""
        await cls.rows().delete_many({"_id": {"$in": list(ids)}})

    @classmethod
    async def has_descendants(cls, root_id: PydanticObjectId, identity: PydanticObjectId) -> bool:
        """Whether anything is left that descends from that one; only versions have any."""
        del root_id, identity
        return False

    @classmethod
    async def _read(cls, rows: Any) -> list[Self]:
        return [cls.model_validate(row) async for row in rows]
