"""One stored picture, known by its owner and the hash of its bytes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import batched
from typing import Any, ClassVar, Self, override

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument, only, utc_now
from app.pictures.intake import AcceptedPicture
from app.pictures.keys import new_key
from app.pictures.place import Place

_IN_ONE_UPDATE = 100
NOW = {"$currentDate": {"touchedAt": True}}
"""Touch it, by the database's own clock."""


class PictureState(StrEnum):
    """Whether anything refers to it, as far as is known."""

    LOOSE = "LOOSE"
    """Nobody has looked yet: it goes once nobody has touched it for a grace period and nothing refers to it."""
    HELD = "HELD"
    """Something referred to it when a sweep looked; no sweep looks again until it is let go."""
    DELETING = "DELETING"
    """Its bytes are being deleted: for all others it is gone."""


def content_of(store: str, owner_id: PydanticObjectId, sha256: str) -> str:
    """What a picture is found again by when the same bytes come."""
    return f"{store}/{owner_id}/{sha256}"


class Picture(StoredDocument):
    """A picture that was stored once and is never changed.

    `width` and `height` are pixels, `byte_size` bytes, `thumbhash` base64 of about 24 bytes. `store` names
    the store it lies in, `key` its place there, made of owner, hash and its own id: no two pictures ever share
    one, so that a deletion which comes late takes nothing from a newer picture of the same bytes. `content`
    is store, owner and hash, unique among those that may be used; null once it is being deleted, and for one that
    was moved to where the same bytes already lay. `touched_at` is when it was last asked for by those who may come to
    refer to it, by the database's clock. `version` is what its store gave for the key. `moving` is where it is about
    to be moved, `left` where it lay before: there may be bytes of it at all of these places.
    """

    schema_version: int = 2
    owner_id: PydanticObjectId
    sha256: str
    media_type: str
    width: int
    height: int
    byte_size: int
    thumbhash: str
    store: str
    key: str
    version: str | None = None
    content: str | None = None
    state: PictureState
    created_at: Instant
    touched_at: Instant
    moving: Place | None = None
    left: tuple[Place, ...] = ()

    class Settings:
        """Where it is kept: one document an owner and content that may be used, and what sweeps find it by."""

        name = "pictures"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("key", ASCENDING)], name="key", unique=True),
            IndexModel([("content", ASCENDING)], name="content", unique=True, sparse=True),
            IndexModel(
                [("store", ASCENDING), ("state", ASCENDING), ("touchedAt", ASCENDING), ("_id", ASCENDING)],
                name="untouched",
            ),
            IndexModel([("moving.since", ASCENDING)], name="moving", sparse=True),
            IndexModel([("left.since", ASCENDING)], name="left", sparse=True),
        ]

    @classmethod
    async def record(
        cls, owner_id: PydanticObjectId, accepted: AcceptedPicture, store: str, ending: str
    ) -> tuple[Self, bool]:
        """The picture of that owner and content, touched, and made now if it is not there; true when it is new.

        Safe to repeat and to race. One that is being deleted is not revived: another is made.
        """
        own_id = PydanticObjectId()
        content = {"content": content_of(store, owner_id, accepted.sha256)}
        first: dict[str, Any] = {
            "_id": own_id,
            "schemaVersion": 2,
            "ownerId": owner_id,
            "sha256": accepted.sha256,
            "mediaType": accepted.media_type,
            "width": accepted.width,
            "height": accepted.height,
            "byteSize": len(accepted.data),
            "thumbhash": accepted.thumbhash,
            "store": store,
            "key": new_key(owner_id, accepted.sha256, ending, own_id),
            "state": PictureState.LOOSE,
            "createdAt": utc_now(),
        }
        try:
            picture = await cls._upserted(content, first)
        except DuplicateKeyError:  # the other of two upserts at once won: now it is found
            picture = await cls._upserted(content, first)
        return picture, picture.identity == own_id

    @classmethod
    async def _upserted(cls, content: dict[str, str], first: dict[str, Any]) -> Self:
        row = await cls.rows().find_one_and_update(
            content, {"$setOnInsert": first, **NOW}, upsert=True, return_document=ReturnDocument.AFTER
        )
        picture: Self = cls.model_validate(row)
        return picture

    @classmethod
    async def touch(cls, picture_id: PydanticObjectId, owner_id: PydanticObjectId) -> Self | None:
        """That picture of that owner, safe from every sweep for a grace period from now on; null if there is none."""
        usable = {"_id": picture_id, "ownerId": owner_id, "state": {"$ne": PictureState.DELETING}}
        row = await cls.rows().find_one_and_update(usable, NOW, return_document=ReturnDocument.AFTER)
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def touch_all(cls, ids: Sequence[PydanticObjectId]) -> int:
        """How many of `ids` (400 at most, each once) are there, and safe from every sweep for a grace period."""
        usable = {"_id": {"$in": list(ids)}, "state": {"$ne": PictureState.DELETING}}
        return (await cls.rows().update_many(usable, NOW)).matched_count

    async def kept(self, version: str | None) -> Self | None:
        """It again, touched, and known to lie in its store under that version; null once it is being deleted."""
        if version is not None and version != self.version:
            there = {"_id": self.identity, "key": self.key, "state": {"$ne": PictureState.DELETING}}
            change = {"$set": {"version": version}, **NOW}
            row = await self.rows().find_one_and_update(there, change, return_document=ReturnDocument.AFTER)
            if row is not None:
                kept: Self = self.model_validate(row)
                return kept
        return await self.touch(self.identity, self.owner_id)  # one that was moved meanwhile has a version from there

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Store and key of wherever bytes of it may lie."""
        elsewhere = (*self.left, *([self.moving] if self.moving else ()))
        return (self.store, self.key), *((place.store, place.key) for place in elsewhere)

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist and are not being deleted, by id."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}, "state": {"$ne": PictureState.DELETING}})
        found = [cls.model_validate(row) async for row in rows]
        return {picture.identity: picture for picture in found}

    @classmethod
    @override
    async def rows_by_ids(
        cls, ids: Sequence[PydanticObjectId], keys: Collection[str] | None = None
    ) -> Mapping[PydanticObjectId, Self]:
        """As `by_ids`, to be read only; `keys` are what is read, null for all."""
        where = {"_id": {"$in": list(ids)}, "state": {"$ne": PictureState.DELETING}}
        rows = cls.rows().find(where, only(keys))
        return {row["_id"]: cls.of_row(row) for row in await rows.batch_size(len(ids) + 1).to_list()}

    @classmethod
    async def let_go(cls, ids: Collection[PydanticObjectId]) -> None:
        """Have a sweep look, after a grace period, whether anything still refers to them.

        Call it before the reference is removed: a crash in between costs one look more, the other order a picture
        that is never swept. The removal has to be done within the grace period.
        """
        usable = {"$in": [PictureState.HELD, PictureState.LOOSE]}  # a sweep may be about to hold a loose one
        change = {"$set": {"state": PictureState.LOOSE}, **NOW}
        for some in batched(ids, _IN_ONE_UPDATE, strict=False):
            await cls.rows().update_many({"_id": {"$in": list(some)}, "state": usable}, change)

    @classmethod
    async def database_time(cls) -> datetime:
        """The clock that `touched_at` is written by."""
        answer = await cls.rows().database.command("hello")
        now: datetime = answer["localTime"]
        return now.replace(tzinfo=UTC)

    @classmethod
    async def untouched(cls, store: str, state: PictureState, since: datetime, limit: int) -> list[Self]:
        """Those of a store and a state that nobody has touched since then, longest untouched first."""
        where = {"store": store, "state": state, "touchedAt": {"$lt": since}}
        order = [("touchedAt", ASCENDING), ("_id", ASCENDING)]
        return [cls.model_validate(row) async for row in cls.rows().find(where).sort(order).limit(limit)]

    @classmethod
    async def hold(cls, ids: Collection[PydanticObjectId], since: datetime) -> int:
        """Mark those as held that are loose and that nobody has touched since then; how many there were."""
        where = {"_id": {"$in": list(ids)}, "state": PictureState.LOOSE, "touchedAt": {"$lt": since}}
        result = await cls.rows().update_many(where, {"$set": {"state": PictureState.HELD}})
        return result.modified_count

    @classmethod
    async def of_owner(cls, owner_id: PydanticObjectId, after: str, limit: int) -> list[Self]:
        """So many of an owner, whatever their state, in the order of their keys, from after that key on."""
        begin, end = f"{owner_id}/", f"{owner_id}0"  # each key begins with its owner; 0 is the next after the slash
        rows = cls.rows().find({"key": {"$gt": max(after, begin), "$lt": end}}).sort("key", ASCENDING).limit(limit)
        return [cls.model_validate(row) async for row in rows]

    async def seize(self) -> Self | None:
        """Mark it as being deleted, whoever uses it; as it was before, with all its places. Null when it is gone."""
        change = {"$set": {"state": PictureState.DELETING}, "$unset": {"content": ""}}
        row = await self.rows().find_one_and_update({"_id": self.identity}, change)
        return None if row is None else type(self).model_validate(row)

    async def condemn(self) -> bool:
        """Mark it as being deleted; false if anybody has touched it, or marked it, since it was read."""
        unchanged = {"_id": self.identity, "state": self.state, "touchedAt": self.touched_at}
        change = {"$set": {"state": PictureState.DELETING}, "$unset": {"content": ""}, **NOW}
        result = await self.rows().update_one(unchanged, change)
        return result.modified_count == 1

    async def forget(self) -> bool:
        """Delete the document of a condemned picture; false if somebody else did."""
        result = await self.rows().delete_one({"_id": self.identity, "state": PictureState.DELETING})
        return result.deleted_count == 1
