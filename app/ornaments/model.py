"""A picture of a piece of jewellery, and its place among its versions."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument
from app.lineage.version import Lineage
from app.providers.ports.model import Source


class OrnamentKind(StrEnum):
    """What was made of the photo."""

    WHITE_BACKGROUND = "WHITE_BACKGROUND"


class OrnamentImage(StoredDocument):
    """One version: who it belongs to, what it shows, what it was asked for, what it was made from.

    `prompt` is what the user said for this version, `prompts` the instruction and each wish down to it, oldest
    first, `combined_prompt` the same in one text. `applied` and `note` say what basic local processing did.
    """

    owner_id: PydanticObjectId
    kind: OrnamentKind
    picture_id: PydanticObjectId
    uploaded_picture_id: PydanticObjectId
    generation_id: PydanticObjectId
    lineage: Lineage
    parent_id: PydanticObjectId | None
    prompt: str | None
    original_prompt: str
    new_prompt: str | None
    prompts: tuple[str, ...]
    combined_prompt: str
    background_color: str
    source: Source
    applied: tuple[str, ...] = ()
    note: str | None = None
    created_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "ornament_images"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("ownerId", DESCENDING), ("_id", DESCENDING)], name="owner_newest"),
            IndexModel([("ownerId", DESCENDING), ("kind", DESCENDING), ("_id", DESCENDING)], name="owner_kind_newest"),
            IndexModel([("parentId", ASCENDING), ("_id", ASCENDING)], name="children"),
            IndexModel([("pictureId", ASCENDING)], name="picture"),
            IndexModel([("uploadedPictureId", ASCENDING)], name="uploaded_picture"),
        ]

    @classmethod
    async def write(cls, image: Self) -> None:
        """Store it under its pre-allocated id; nothing happens when it is there."""
        try:
            await image.insert()
        except DuplicateKeyError:
            return

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}})
        found = [cls.model_validate(row) async for row in rows]
        return {image.identity: image for image in found}

    @classmethod
    async def page(
        cls, owner_id: PydanticObjectId, kind: OrnamentKind | None, before: PydanticObjectId | None, limit: int
    ) -> list[Self]:
        """The owner's, newest first, those older than `before`."""
        where: dict[str, Any] = {"ownerId": owner_id}
        if kind is not None:
            where["kind"] = kind
        if before is not None:
            where["_id"] = {"$lt": before}
        rows = cls.rows().find(where).sort("_id", DESCENDING).limit(limit)
        return [cls.model_validate(row) async for row in rows]

    @classmethod
    async def children(cls, parent_id: PydanticObjectId, after: PydanticObjectId | None, limit: int) -> list[Self]:
        """The versions made from that one, oldest first, those younger than `after`."""
        where: dict[str, Any] = {"parentId": parent_id}
        if after is not None:
            where["_id"] = {"$gt": after}
        rows = cls.rows().find(where).sort("_id", ASCENDING).limit(limit)
        return [cls.model_validate(row) async for row in rows]

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that an image shows or was made from."""
        wanted = list(picture_ids)
        found: set[PydanticObjectId] = set()
        for name in ("pictureId", "uploadedPictureId"):
            found |= {row[name] async for row in cls.rows().find({name: {"$in": wanted}}, {name: 1})}
        return found
