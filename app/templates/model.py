"""A saved prompt and every wording it ever had."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pymongo import DESCENDING, IndexModel, ReturnDocument

from app.database.document import Instant, StoredDocument, StoredValue
from app.database.keyset import Stretch

_WITHOUT_REVISIONS = {"revisions": 0}


class TemplateRevision(StoredValue):
    """What a template said at one time; `number` is from 1."""

    number: int
    name: str
    text: str
    created_at: Instant


class Template(StoredDocument):
    """A prompt with places to fill in; `name`, `text` and `variables` are those of its latest `revision`.

    `revisions` are all there ever were, oldest first, the latest among them; lists are read without.
    """

    owner_id: PydanticObjectId
    name: str
    text: str
    variables: tuple[str, ...]
    revision: int
    revisions: tuple[TemplateRevision, ...] = ()
    created_at: Instant
    updated_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "templates"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("ownerId", DESCENDING), ("_id", DESCENDING)], name="owner_newest"),
        ]

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id, without their revisions."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}}, _WITHOUT_REVISIONS)
        found = [cls.model_validate(row) async for row in rows]
        return {template.identity: template for template in found}

    @classmethod
    async def revisions_of(
        cls, ids: Sequence[PydanticObjectId]
    ) -> dict[PydanticObjectId, tuple[TemplateRevision, ...]]:
        """All revisions of those of `ids` (400 at most) that exist, oldest first."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}}, {"revisions": 1})
        return {
            row["_id"]: tuple(TemplateRevision.model_validate(revision) for revision in row["revisions"])
            async for row in rows
        }

    @classmethod
    async def page(cls, owner_id: PydanticObjectId, stretch: Stretch) -> list[Self]:
        """That stretch of the owner's, without their revisions."""
        rows = cls.rows().find({"ownerId": owner_id} | stretch.bounds, _WITHOUT_REVISIONS)
        return [cls.model_validate(row) async for row in rows.sort("_id", stretch.direction).limit(stretch.limit)]

    async def revise(self, next_one: TemplateRevision, variables: Sequence[str]) -> Self | None:
        """It with the next wording; null when it is not at the revision any more that was read.

        One write: no wording is ever lost, whoever else writes.
        """
        change: dict[str, Any] = {
            "$set": {
                "name": next_one.name,
                "text": next_one.text,
                "variables": list(variables),
                "revision": next_one.number,
                "updatedAt": next_one.created_at,
            },
            "$push": {"revisions": next_one.model_dump(by_alias=True)},
        }
        row = await self.rows().find_one_and_update(
            {"_id": self.identity, "revision": self.revision},
            change,
            projection=_WITHOUT_REVISIONS,
            return_document=ReturnDocument.AFTER,
        )
        return None if row is None else type(self).model_validate(row)

    @classmethod
    async def remove(cls, template_id: PydanticObjectId) -> None:
        """Delete it with all its revisions."""
        await cls.rows().delete_one({"_id": template_id})
