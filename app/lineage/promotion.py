"""The chosen version of a tree: one at a time, stored once, whatever becomes of the versions around it."""

from collections.abc import Sequence
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument, utc_now
from app.errors import not_found
from app.lineage.discardable import chunks
from app.lineage.tombstone import Tombstone
from app.lineage.version import Version


class Promotion(StoredDocument):
    """Which version of a tree was chosen last; its id is the root's, so that there is one a tree.

    Who reads it looks the version up: it may be deleted for ever at any moment.
    """

    owner_id: PydanticObjectId
    version_id: PydanticObjectId
    promoted_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "promotions"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("ownerId", ASCENDING)], name="owner"),
            IndexModel([("versionId", ASCENDING)], name="version"),
        ]

    @classmethod
    async def of_roots(cls, root_ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of the trees of `root_ids` that have one, by root."""
        found = dict[PydanticObjectId, Self]()
        for some in chunks(root_ids):
            rows = cls.rows().find({"_id": {"$in": some}})
            found |= {row["_id"]: cls.model_validate(row) async for row in rows}
        return found

    @classmethod
    async def choose(cls, version: Version) -> None:
        """Make it the chosen one of its tree, in place of any before; one that is chosen already stays as it is."""
        root = {"_id": version.lineage.root_id}
        if await cls.rows().find_one({**root, "versionId": version.identity}, {"_id": 1}) is not None:
            return
        chosen = {"schemaVersion": 1, "ownerId": version.owner_id, "versionId": version.identity}
        change = {"$set": {**chosen, "promotedAt": utc_now()}}
        try:
            await cls.rows().update_one(root, change, upsert=True)
        except DuplicateKeyError:  # the other of two upserts at once won: now it is found
            await cls.rows().update_one(root, change)

    @classmethod
    async def withdraw(cls, version_ids: Sequence[PydanticObjectId]) -> None:
        """None of those (400 at most) is the chosen one any more."""
        await cls.rows().delete_many({"versionId": {"$in": list(version_ids)}})


async def promote(version: Version, what: str, *path: str) -> None:
    """Make it the chosen one of its tree; safe to repeat and to race.

    Raises:
        AppError: NOT_FOUND with that path when it was deleted for ever meanwhile; then it is not chosen.
    """
    await Promotion.choose(version)
    # A deletion keeps its tombstone first and withdraws later: either it sees this choice, or this sees its tombstone.
    if await Tombstone.of([version.identity]):
        await Promotion.withdraw([version.identity])
        raise not_found(what, *path)
