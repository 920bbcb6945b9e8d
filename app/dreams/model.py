"""A dream: what was written down, and what has been made of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredValue, utc_now
from app.database.keyset import bounds
from app.dreams.parts import DreamStatus, Illustration, Interpretation, Part, Parts
from app.generations.attempts import Failure
from app.generations.recipe import Recipe
from app.lineage.discardable import Discardable

_LEFT_OVER_AFTER = timedelta(seconds=15)
"""Longer than the steps take that follow the first one: then the sweep does them."""
_DUE_AT_ONCE = 100


class Making(StoredValue):
    """The work on a dream that is under way, from before its generation exists.

    `generation_id` is the id that the generation has, or will have; `started` says that it is there. `key` is the
    caller's idempotency key, null without one. `is_first` is of the work that comes with the dream itself, `before`
    the generation of the work before it.
    """

    generation_id: PydanticObjectId
    recipe: Recipe
    key: str | None
    is_first: bool = False
    started: bool = False
    before: PydanticObjectId | None = None
    retry_of: PydanticObjectId | None = None
    batch_id: PydanticObjectId | None = None


class Aside(StoredValue):
    """Parts that were taken out of the dream, and the id of the version that they become."""

    version_id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    interpretation: Interpretation | None = None
    illustration: Illustration | None = None

    @property
    def parts(self) -> Parts:
        """They."""
        return Parts(self.interpretation, self.illustration)

    @classmethod
    def of(cls, parts: Parts) -> Self | None:
        """Null for none."""
        return cls(interpretation=parts.interpretation, illustration=parts.illustration) if parts.there else None


class Dream(Discardable):
    """One document is the truth of each step.

    `idempotency_key` is `owner:key`; `asked` is what two calls with the same key must have in common. `tags` and
    `mood` are trimmed and in lower case. `interpretation` and `illustration` are what is there now. `generation_id` is
    that of the latest work, null when none was ever accepted. `making` is null unless something is being made, and
    `aside` what was cleared for it or replaced, until a version is made of it. `due` is when the sweep is to go on
    with what should have been done by then, null when nothing is left to do. `revision` rises with each change.
    """

    idempotency_key: str
    asked: str
    title: str | None
    text: str
    dreamed_at: Instant
    mood: str | None
    lucid: bool | None
    tags: tuple[str, ...]
    status: DreamStatus
    interpretation: Interpretation | None = None
    illustration: Illustration | None = None
    failure: Failure | None = None
    generation_id: PydanticObjectId | None = None
    making: Making | None = None
    aside: Aside | None = None
    due: Instant | None = None
    revision: int = 0
    created_at: Instant
    changed_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "dreams"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("idempotencyKey", ASCENDING)], name="idempotency_key", unique=True),
            IndexModel([("ownerId", DESCENDING), ("_id", DESCENDING)], name="owner_newest"),
            IndexModel([("ownerId", DESCENDING), ("status", DESCENDING), ("_id", DESCENDING)], name="owner_status"),
            IndexModel([("ownerId", ASCENDING), ("dreamedAt", ASCENDING), ("_id", ASCENDING)], name="owner_dreamed"),
            IndexModel([("due", ASCENDING), ("_id", ASCENDING)], name="due"),
            IndexModel([("illustration.pictureId", ASCENDING)], name="picture"),
            IndexModel([("aside.illustration.pictureId", ASCENDING)], name="picture_aside"),
        ]

    @property
    def parts(self) -> Parts:
        """What has been made of it and is there now."""
        return Parts(self.interpretation, self.illustration)

    def is_made_by(self, generation_id: PydanticObjectId) -> bool:
        """Whether that generation is the work on it that is under way."""
        return self.making is not None and self.making.generation_id == generation_id

    async def put(self) -> bool:
        """Store it; false when there is one of the same idempotency key."""
        try:
            await self.insert()
        except DuplicateKeyError:
            return False
        return True

    @classmethod
    async def of_key(cls, idempotency_key: str) -> Self | None:
        """The one of that idempotency key."""
        row = await cls.rows().find_one({"idempotencyKey": idempotency_key})
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def left_over(cls, now: datetime) -> list[Self]:
        """Those with something left that should have been done by then; 100 at most, the longest waiting first."""
        order = [("due", ASCENDING), ("_id", ASCENDING)]
        rows = cls.rows().find({"due": {"$lt": now, "$ne": None}}).sort(order).limit(_DUE_AT_ONCE)
        return await cls._read(rows)

    @classmethod
    async def chunk(cls, owner_id: PydanticObjectId, limit: int, after: PydanticObjectId | None = None) -> list[Self]:
        """So many of an owner's at most, oldest first, those in the trash included: the first, or those after one."""
        where = {"ownerId": owner_id} | bounds(after, None)
        return await cls._read(cls.rows().find(where).sort("_id", ASCENDING).limit(limit))

    @classmethod
    async def number_of(cls, owner_id: PydanticObjectId) -> int:
        """How many the owner has, those in the trash included."""
        return await cls.rows().count_documents({"ownerId": owner_id})

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that a dream shows, or has put aside."""
        wanted = {"$in": list(picture_ids)}
        shown = cls.rows().find({"illustration.pictureId": wanted}, {"illustration.pictureId": 1})
        aside = cls.rows().find({"aside.illustration.pictureId": wanted}, {"aside.illustration.pictureId": 1})
        return {row["illustration"]["pictureId"] async for row in shown} | {
            row["aside"]["illustration"]["pictureId"] async for row in aside
        }

    async def say(self, told: Mapping[str, Any]) -> Self | None:
        """Change what the owner says of it; null when it is gone."""
        return await self._change({"_id": self.identity}, told)

    async def begin(self, making: Making, cleared: frozenset[Part]) -> Self | None:
        """Take these parts out and begin to make them anew; null when it has changed since it was read."""
        left = self.parts.only(frozenset(Part) - cleared)
        changes = {
            **_of(left),
            "status": DreamStatus.PROCESSING,
            "making": _plain(making),
            "aside": _plain(Aside.of(self.parts.only(cleared))),
            "generationId": making.generation_id,
            "due": self.soon(),
        }
        return await self._change(self._unchanged, changes)

    async def has_started(self) -> Self | None:
        """The generation is there, and the sweep has nothing to do; null when its work is over already."""
        return await self._change(self._made, {"making.started": True, "due": None})

    async def show(self, interpretation: Interpretation) -> bool:
        """Show what the work that is under way has made; false when it is over."""
        return await self._change(self._made, {"interpretation": _plain(interpretation)}) is not None

    async def end(self, parts: Parts, failure: Failure | None, generation_id: PydanticObjectId | None) -> Self | None:
        """End the work that is under way: this is what there is now; null when it is over already."""
        changes = {
            **_of(parts),
            "status": parts.status,
            "failure": _plain(failure),
            "generationId": generation_id,
            "making": None,
            "aside": None,
            "due": None,
        }
        return await self._change(self._made, changes)

    async def put_in_place(self, parts: Parts, replaced: Parts) -> Self | None:
        """Let these be what there is, and put aside what they replace; null when it has changed since it was read."""
        changes = {
            **_of(parts),
            "status": parts.status,
            "failure": None if parts.status is DreamStatus.READY else _plain(self.failure),
            "aside": _plain(Aside.of(replaced)),
            "due": self.soon(),
        }
        return await self._change(self._unchanged, changes)

    async def forget_aside(self, version_id: PydanticObjectId) -> Self | None:
        """What was put aside is a version by now; null when that was said before."""
        where = {"_id": self.identity, "making": None, "aside.versionId": version_id}
        return await self._change(where, {"aside": None, "due": None})

    @staticmethod
    def soon() -> datetime:
        """When the sweep goes on with what is begun now."""
        return utc_now() + _LEFT_OVER_AFTER

    @property
    def _unchanged(self) -> dict[str, Any]:
        return {"_id": self.identity, "revision": self.revision, "making": None, "trashedAt": None}

    @property
    def _made(self) -> dict[str, Any]:
        if self.making is None:
            message = "nothing is being made of this dream"
            raise ValueError(message)
        return {"_id": self.identity, "making.generationId": self.making.generation_id}

    async def _change(self, where: Mapping[str, Any], changes: Mapping[str, Any]) -> Self | None:
        update = {"$set": dict(changes), "$currentDate": {"changedAt": True}, "$inc": {"revision": 1}}
        row = await self.rows().find_one_and_update(where, update, return_document=ReturnDocument.AFTER)
        return None if row is None else self.model_validate(row)


def _of(parts: Parts) -> dict[str, Any]:
    return {"interpretation": _plain(parts.interpretation), "illustration": _plain(parts.illustration)}


def _plain(value: StoredValue | None) -> dict[str, Any] | None:
    return None if value is None else value.model_dump(by_alias=True)
