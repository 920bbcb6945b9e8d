"""What was made of a dream before, and has been replaced."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument, utc_now
from app.database.keyset import Stretch
from app.dreams.model import Aside, Dream
from app.dreams.parts import Illustration, Interpretation, Parts
from app.lineage.discardable import chunks

_IN_ONE_QUERY = 400
_AT_ONCE = 20


class DreamVersion(StoredDocument):
    """Parts of a dream that were cleared or replaced together; `kept_at` is when that was over."""

    owner_id: PydanticObjectId
    dream_id: PydanticObjectId
    interpretation: Interpretation | None
    illustration: Illustration | None
    kept_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "dream_versions"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("dreamId", DESCENDING), ("_id", DESCENDING)], name="dream_newest"),
            IndexModel([("ownerId", ASCENDING), ("_id", ASCENDING)], name="owner"),
            IndexModel([("illustration.pictureId", ASCENDING)], name="picture"),
        ]

    @property
    def parts(self) -> Parts:
        """What it holds."""
        return Parts(self.interpretation, self.illustration)

    @classmethod
    def of(cls, dream: Dream, aside: Aside, at: datetime) -> Self:
        """The version that becomes of what was put aside; not stored yet."""
        return cls(
            id=aside.version_id,
            owner_id=dream.owner_id,
            dream_id=dream.identity,
            interpretation=aside.interpretation,
            illustration=aside.illustration,
            kept_at=at,
        )

    @classmethod
    async def keep(cls, dream: Dream, aside: Aside) -> None:
        """Make a version of what was put aside, unless one holds just that; safe to repeat and to race."""
        interpretation, illustration = aside.parts.made_in
        same = {
            "dreamId": dream.identity,
            "interpretation.generationId": interpretation,
            "illustration.generationId": illustration,
        }
        if await cls.rows().find_one(same, {"_id": 1}) is not None:
            return
        try:
            await cls.of(dream, aside, utc_now()).insert()
        except DuplicateKeyError:
            return

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id."""
        found = [cls.model_validate(row) async for row in cls.rows().find({"_id": {"$in": list(ids)}})]
        return {version.identity: version for version in found}

    @classmethod
    async def of_dreams(
        cls, dream_ids: Sequence[PydanticObjectId], stretch: Stretch
    ) -> dict[PydanticObjectId, list[Self]]:
        """That stretch of the versions of each of `dream_ids` (400 at most); dreams without any are left out.

        One command, however many dreams.
        """
        where = {"dreamId": {"$in": list(dream_ids)}} | stretch.bounds
        first = {"$firstN": {"input": "$$ROOT", "n": stretch.limit}}
        steps = [
            {"$match": where},
            {"$sort": {"dreamId": stretch.direction, "_id": stretch.direction}},
            {"$group": {"_id": "$dreamId", "versions": first}},
        ]
        groups = await cls.rows().aggregate(steps, batchSize=_IN_ONE_QUERY)
        return {group["_id"]: [cls.model_validate(row) for row in group["versions"]] async for group in groups}

    @classmethod
    async def all_of(cls, dream_ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, list[Self]]:
        """All versions of each of `dream_ids` (400 at most), newest first; dreams without any are left out."""
        found = await cls.of_dreams(dream_ids, Stretch(_AT_ONCE))
        for dream_id, versions in found.items():
            more = versions
            while len(more) == _AT_ONCE:
                stretch = Stretch(_AT_ONCE, older_than=more[-1].identity)
                more = (await cls.of_dreams([dream_id], stretch)).get(dream_id, [])
                versions.extend(more)
        return found

    @classmethod
    async def pictures_of(cls, dream_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """The pictures of all versions of those dreams."""
        found = set[PydanticObjectId]()
        for some in chunks(dream_ids):
            rows = cls.rows().find({"dreamId": {"$in": some}}, {"illustration.pictureId": 1}).sort("_id", ASCENDING)
            found |= {row["illustration"]["pictureId"] async for row in rows if row["illustration"]}
        return found

    @classmethod
    async def remove_of(cls, dream_ids: Sequence[PydanticObjectId]) -> None:
        """Delete all versions of those dreams (400 at most)."""
        await cls.rows().delete_many({"dreamId": {"$in": list(dream_ids)}})

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that a version shows."""
        where = {"illustration.pictureId": {"$in": list(picture_ids)}}
        rows = cls.rows().find(where, {"illustration.pictureId": 1})
        return {row["illustration"]["pictureId"] async for row in rows}


async def flush(dream: Dream) -> Dream:
    """Make a version of what was put aside for no work; the dream as it is then."""
    if dream.aside is None or dream.making is not None:
        return dream
    await DreamVersion.keep(dream, dream.aside)
    forgotten = await dream.forget_aside(dream.aside.version_id)
    if forgotten is None and not await Dream.by_ids([dream.identity]):
        await DreamVersion.remove_of([dream.identity])  # deleted for ever before its last version was written
    return forgotten or dream
