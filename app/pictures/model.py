"""One stored picture, known by its owner and the hash of its bytes."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument, utc_now
from app.pictures.intake import AcceptedPicture


class Picture(StoredDocument):
    """A picture that was stored once and is never changed.

    `width` and `height` are pixels, `byte_size` bytes, `thumbhash` base64 of about 24 bytes. `store` names
    the store it lies in, `key` its place there, made of owner and hash.
    """

    owner_id: PydanticObjectId
    sha256: str
    media_type: str
    width: int
    height: int
    byte_size: int
    thumbhash: str
    store: str
    key: str
    created_at: Instant

    class Settings:
        """Where it is kept: one document an owner and content."""

        name = "pictures"
        indexes: ClassVar[list[IndexModel]] = [IndexModel([("key", ASCENDING)], name="key", unique=True)]

    @classmethod
    async def record(cls, owner_id: PydanticObjectId, accepted: AcceptedPicture, store: str, key: str) -> Self:
        """The picture of that owner and content, made now if it is not there; safe to repeat and to race."""
        known = {"key": key}
        first: dict[str, Any] = {
            "schemaVersion": 1,
            "ownerId": owner_id,
            "sha256": accepted.sha256,
            "mediaType": accepted.media_type,
            "width": accepted.width,
            "height": accepted.height,
            "byteSize": len(accepted.data),
            "thumbhash": accepted.thumbhash,
            "store": store,
            "createdAt": utc_now(),
        }
        collection = cls.rows()
        try:
            found = await collection.find_one_and_update(
                known, {"$setOnInsert": first}, upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # the other of two upserts at once won: what it wrote is what we wanted
            found = await collection.find_one(known)
        picture: Self = cls.model_validate(found)
        return picture

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}})
        found = [cls.model_validate(row) async for row in rows]
        return {picture.identity: picture for picture in found}
