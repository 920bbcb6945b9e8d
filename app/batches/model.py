"""A batch: many pieces of work of one kind that were asked for together."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument, StoredValue
from app.database.keyset import Stretch
from app.generations.attempts import Failure
from app.generations.leases import until

LEASE_S = 10.0
_FREE = {"$expr": {"$lte": ["$busyUntil", "$$NOW"]}}
_DUE_AT_ONCE = 100


class BatchItem(StoredValue):
    """One of the many: what it is done with, and what has become of it.

    It waits to be started while it has neither a generation nor a failure and is not cancelled. `failure` is why it
    could not be started. `retry_of` is the generation that the next one is to be a retry of, `turn` rises with each
    retry of the batch that this item takes part in.
    """

    subject_id: PydanticObjectId
    generation_id: PydanticObjectId | None = None
    failure: Failure | None = None
    cancelled: bool = False
    retry_of: PydanticObjectId | None = None
    turn: int = 1

    @property
    def waits(self) -> bool:
        """Whether it is still to be started."""
        return self.generation_id is None and self.failure is None and not self.cancelled


class Estimate(StoredValue):
    """What one item costs by a cautious guess, in micros of the currency."""

    cost: int
    currency: str | None = None


class Batch(StoredDocument):
    """One document is the truth of what is to be done.

    `parameters` are what each item is started with, for its kind to read. `asked` is what two calls with the same
    idempotency key must have in common; `idempotency_key` is `owner:key`. `retries` are the keys of the retries that
    were done. `settled` is false while items have to be started or cancelled: whoever holds it until `busy_until`
    does that, and nobody else writes `items`. `estimate` is null when nobody knows it.
    """

    owner_id: PydanticObjectId
    kind: str
    parameters: dict[str, str]
    asked: str
    idempotency_key: str
    items: list[BatchItem]
    estimate: Estimate | None = None
    retries: list[str] = Field(default_factory=list[str])
    cancel_requested_at: Instant | None = None
    settled: bool = False
    holder: str | None = None
    busy_until: Instant
    created_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "batches"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("idempotencyKey", ASCENDING)], name="idempotency_key", unique=True),
            IndexModel([("ownerId", DESCENDING), ("_id", DESCENDING)], name="owner_newest"),
            IndexModel([("settled", ASCENDING), ("_id", ASCENDING)], name="unsettled"),
        ]

    @property
    def generation_ids(self) -> list[PydanticObjectId]:
        """The latest of each item that has one."""
        return [item.generation_id for item in self.items if item.generation_id is not None]

    def key_of(self, place: int) -> str:
        """The idempotency key of an item's generation."""
        turn = self.items[place].turn
        return f"{self.identity}:{place}" if turn == 1 else f"{self.identity}:{place}:{turn}"

    @classmethod
    def held(cls, holder: str, at: datetime, **given: Any) -> Self:
        """A new one, which somebody holds already; not stored yet."""
        busy_until = at + timedelta(seconds=LEASE_S)
        return cls(id=PydanticObjectId(), holder=holder, busy_until=busy_until, created_at=at, **given)

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
        return cls._read(await cls.rows().find_one({"idempotencyKey": idempotency_key}))

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id."""
        found = [cls.model_validate(row) async for row in cls.rows().find({"_id": {"$in": list(ids)}})]
        return {batch.identity: batch for batch in found}

    @classmethod
    async def page(cls, owner_id: PydanticObjectId, stretch: Stretch) -> list[Self]:
        """That stretch of the owner's."""
        rows = cls.rows().find({"ownerId": owner_id} | stretch.bounds).sort("_id", stretch.direction)
        return [cls.model_validate(row) async for row in rows.limit(stretch.limit)]

    @classmethod
    async def left_over(cls) -> list[PydanticObjectId]:
        """Those that have something to be done and that nobody does it for; the 100 oldest."""
        rows = cls.rows().find({"settled": False, **_FREE}, {"_id": 1}).sort("_id", ASCENDING).limit(_DUE_AT_ONCE)
        return [row["_id"] async for row in rows]

    @classmethod
    async def take(cls, batch_id: PydanticObjectId, holder: str) -> Self | None:
        """Hold it for the length of a lease; null while somebody else does."""
        lease = {"holder": {"$literal": holder}, "busyUntil": until(LEASE_S)}
        return await cls._changed({"_id": batch_id, **_FREE}, lease)

    async def keep(self, **more: Any) -> Self | None:
        """Write the items, and hold it for another lease; null when somebody else has it by now."""
        rows = [item.model_dump(by_alias=True) for item in self.items]
        changes = {"items": {"$literal": rows}, "busyUntil": until(LEASE_S), **more}
        return await self._changed(self._held, changes)

    async def settle(self) -> Self | None:
        """Let go of it, with nothing left to be done; null when a cancel came, or somebody else has it by now."""
        where = {**self._held, "cancelRequestedAt": self.cancel_requested_at}
        return await self._changed(where, {"settled": True, **_let_go()})

    async def let_go(self) -> None:
        """Hold it no more: whoever wants it may take it."""
        await self._changed(self._held, _let_go())

    @classmethod
    async def request_cancel(cls, batch_id: PydanticObjectId) -> Self | None:
        """Ask whoever holds it to cancel it."""
        changes = {"cancelRequestedAt": {"$ifNull": ["$cancelRequestedAt", "$$NOW"]}, "settled": False}
        return await cls._changed({"_id": batch_id}, changes)

    @property
    def _held(self) -> dict[str, Any]:
        return {"_id": self.identity, "holder": self.holder}

    @classmethod
    async def _changed(cls, where: Mapping[str, Any], changes: Mapping[str, Any]) -> Self | None:
        row = await cls.rows().find_one_and_update(
            where, [{"$set": dict(changes)}], return_document=ReturnDocument.AFTER
        )
        return cls._read(row)

    @classmethod
    def _read(cls, row: Mapping[str, Any] | None) -> Self | None:
        return None if row is None else cls.model_validate(row)


def _let_go() -> dict[str, Any]:
    return {"holder": None, "busyUntil": "$$NOW"}
