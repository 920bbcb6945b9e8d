"""A generation: one durable piece of asynchronous work, with all that happened to it."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Self, override

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument, only
from app.generations.attempts import Attempt, Call, Failure, Lease
from app.generations.events import EventType, GenerationEvent
from app.generations.recipe import Recipe

_PAGE = 200


class Status(StrEnum):
    """Where a generation stands; it only moves forward."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in {Status.SUCCEEDED, Status.FAILED, Status.CANCELLED}


OPEN = (Status.QUEUED, Status.RUNNING)
"""What has not ended."""


class Latest(NamedTuple):
    """How far a generation has come: the number of its latest event."""

    owner_id: PydanticObjectId
    generation_id: PydanticObjectId
    sequence: int


class Standing(NamedTuple):
    """How a generation stands, and no more of it."""

    status: Status
    sequence: int
    failure: Failure | None
    calls: tuple[Call, ...]


class Generation(StoredDocument):
    """One document is the truth of each step of the work.

    `idempotency_key` is `owner:key`, one text because the embedded database checks only single fields quickly.
    `result_id` is the id that what it makes will have. RUNNING without a lease waits for its next attempt, until
    `not_before` if that is set. `settled` is false until it has ended and what it leaves is written; what is not
    settled is found again after a crash. `calls` is the ledger. `picture_ids` are all pictures it refers to.
    `request_id` is that of the request which asked for it, `batch_id` that of the batch which it is an item of,
    `project_id` that of the project which it works for, whose members may see it.
    `asked` is what two calls with the same idempotency key have in common: the name of the caller's input, a colon and
    a hash of what it says; null where nobody kept it.
    """

    schema_version: int = 2
    owner_id: PydanticObjectId
    kind: str
    recipe: Recipe
    idempotency_key: str
    asked: str | None = None
    result_id: PydanticObjectId
    retry_of: PydanticObjectId | None = None
    batch_id: PydanticObjectId | None = None
    project_id: PydanticObjectId | None = None
    request_id: str | None = None
    status: Status = Status.QUEUED
    stage: str | None = None
    percent: int = 0
    settled: bool = False
    trimmed: bool = False
    steps: dict[str, dict[str, Any]] = Field(default_factory=dict)
    last_sequence: int = 1
    events: list[GenerationEvent] = Field(default_factory=list[GenerationEvent])
    attempt: int = 0
    attempts: list[Attempt] = Field(default_factory=list[Attempt])
    calls: list[Call] = Field(default_factory=list[Call])
    lease: Lease | None = None
    not_before: Instant | None = None
    cancel_requested_at: Instant | None = None
    failure: Failure | None = None
    picture_ids: list[PydanticObjectId] = Field(default_factory=list[PydanticObjectId])
    created_at: Instant
    changed_at: Instant
    ended_at: Instant | None = None

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "generations"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("idempotencyKey", ASCENDING)], name="idempotency_key", unique=True),
            IndexModel([("ownerId", DESCENDING), ("_id", DESCENDING)], name="owner_newest"),
            IndexModel([("ownerId", DESCENDING), ("status", DESCENDING), ("_id", DESCENDING)], name="owner_status"),
            IndexModel([("ownerId", ASCENDING), ("changedAt", ASCENDING), ("_id", ASCENDING)], name="owner_changed"),
            IndexModel([("settled", ASCENDING), ("_id", ASCENDING)], name="unsettled"),
            IndexModel([("trimmed", ASCENDING), ("endedAt", ASCENDING), ("_id", ASCENDING)], name="untrimmed"),
            IndexModel([("pictureIds", ASCENDING)], name="pictures"),
            IndexModel([("recipe.template.templateId", ASCENDING)], name="templates", sparse=True),
            IndexModel([("recipe.parentId", ASCENDING), ("_id", ASCENDING)], name="changes"),
        ]

    @classmethod
    def queued(
        cls,
        owner_id: PydanticObjectId,
        kind: str,
        recipe: Recipe,
        idempotency_key: str,
        at: datetime,
        retry_of: PydanticObjectId | None = None,
        generation_id: PydanticObjectId | None = None,
    ) -> Self:
        """A new one, with its ids and its first event; not stored yet."""
        return cls(
            id=generation_id or PydanticObjectId(),
            owner_id=owner_id,
            kind=kind,
            recipe=recipe,
            idempotency_key=idempotency_key,
            result_id=PydanticObjectId(),
            retry_of=retry_of,
            events=[GenerationEvent(sequence=1, type=EventType.QUEUED, at=at)],
            picture_ids=recipe.picture_ids,
            created_at=at,
            changed_at=at,
        )

    @classmethod
    async def start(cls, first: Self) -> bool:
        """Insert it; false when there is one of the same idempotency key."""
        try:
            await cls.rows().insert_one(first.as_row())
        except DuplicateKeyError:
            return False
        return True

    @classmethod
    async def of_key(cls, idempotency_key: str) -> Self | None:
        """The one of that idempotency key, its events left out."""
        row = await cls.rows().find_one({"idempotencyKey": idempotency_key}, {"events": 0})
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def of_keys(cls, idempotency_keys: Sequence[str]) -> dict[str, PydanticObjectId]:
        """The ids of those of these idempotency keys (400 at most), by key."""
        rows = cls.rows().find({"idempotencyKey": {"$in": list(idempotency_keys)}}, {"idempotencyKey": 1})
        return {row["idempotencyKey"]: row["_id"] async for row in rows}

    @classmethod
    async def standing(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Standing]:
        """How each of `ids` (400 at most) stands that exists, by id."""
        shown = {"status": 1, "lastSequence": 1, "failure": 1, "calls": 1}
        rows = cls.rows().find({"_id": {"$in": list(ids)}}, shown).batch_size(_PAGE)
        return {row["_id"]: _standing(row) async for row in rows}

    @classmethod
    async def without_events(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id, their events left out."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}}, {"events": 0})
        found = [cls.model_validate(row) async for row in rows]
        return {generation.identity: generation for generation in found}

    @classmethod
    @override
    async def rows_by_ids(
        cls, ids: Sequence[PydanticObjectId], keys: Collection[str] | None = None
    ) -> Mapping[PydanticObjectId, Self]:
        """As `without_events`, to be read only; `keys` are what is read, null for all but the events."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}}, {"events": 0} if keys is None else only(keys))
        rows = rows.batch_size(len(ids) + 1)
        return {row["_id"]: cls.of_row(row) for row in await rows.to_list()}

    @classmethod
    async def page(
        cls, owner_id: PydanticObjectId, statuses: Sequence[Status] | None, before: PydanticObjectId | None, limit: int
    ) -> list[Self]:
        """The owner's of those statuses (null: any), newest first, older than `before`; their events left out."""
        where: dict[str, Any] = {"ownerId": owner_id}
        if statuses is not None:
            where["status"] = {"$in": list(statuses)}
        if before is not None:
            where["_id"] = {"$lt": before}
        rows = cls.rows().find(where, {"events": 0}).sort("_id", DESCENDING).limit(limit)
        return [cls.model_validate(row) async for row in rows]

    @classmethod
    async def open_of(cls, owner_id: PydanticObjectId) -> list[Self]:
        """The owner's that have not ended (as many as a lane holds), their events left out."""
        where = {"ownerId": owner_id, "status": {"$in": list(OPEN)}}
        return [cls.model_validate(row) async for row in cls.rows().find(where, {"events": 0})]

    @classmethod
    async def changed_since(cls, owner_id: PydanticObjectId, since: datetime) -> AsyncGenerator[Self]:
        """The owner's that something happened to since then, in the order of it, their events left out."""
        where = {"ownerId": owner_id, "changedAt": {"$gte": since}}
        order = [("changedAt", ASCENDING), ("_id", ASCENDING)]
        async for row in cls.rows().find(where, {"events": 0}).sort(order).batch_size(_PAGE):
            yield cls.model_validate(row)

    @classmethod
    async def steps_of_work_on(cls, parent_id: PydanticObjectId) -> dict[str, dict[str, Any]]:
        """What the steps of all that worked on it have left, by their names; of one name, the latest's."""
        rows = cls.rows().find({"recipe.parentId": parent_id}, {"steps": 1}).sort("_id", ASCENDING)
        return {name: values async for row in rows for name, values in row["steps"].items()}

    @classmethod
    async def latest(cls, ids: Sequence[PydanticObjectId]) -> list[Latest]:
        """How far each of `ids` (400 at most) has come."""
        return await cls._latest({"_id": {"$in": list(ids)}})

    @classmethod
    async def latest_since(cls, owner_ids: Sequence[PydanticObjectId], since: datetime) -> list[Latest]:
        """How far each has come that belongs to those owners (400 at most) and changed since then."""
        return await cls._latest({"ownerId": {"$in": list(owner_ids)}, "changedAt": {"$gte": since}})

    @classmethod
    async def _latest(cls, where: Mapping[str, Any]) -> list[Latest]:
        order = [("changedAt", ASCENDING), ("_id", ASCENDING)]
        rows = cls.rows().find(where, {"ownerId": 1, "lastSequence": 1}).sort(order)
        return [Latest(row["ownerId"], row["_id"], row["lastSequence"]) async for row in rows]

    @classmethod
    async def past(cls, generation_id: PydanticObjectId, sequence: int) -> tuple[list[GenerationEvent], bool]:
        """Its events with a greater number than `sequence`, in order, and whether no more will come."""
        row = await cls.rows().find_one({"_id": generation_id}, {"events": 1, "status": 1})
        if row is None:
            return [], True
        events = [GenerationEvent.model_validate(event) for event in row["events"] if event["sequence"] > sequence]
        return events, Status(row["status"]).ended

    @classmethod
    async def events_after(cls, generation_id: PydanticObjectId, sequence: int) -> list[GenerationEvent]:
        """Its events with a greater number than `sequence`, in order."""
        events, _ = await cls.past(generation_id, sequence)
        return events

    @classmethod
    async def remove(cls, ids: Sequence[PydanticObjectId]) -> None:
        """Delete those (400 at most); whatever somebody still wants to write to them is refused."""
        await cls.rows().delete_many({"_id": {"$in": list(ids)}})

    @classmethod
    async def settle(cls, generation_id: PydanticObjectId) -> None:
        """Say that it has ended and what it leaves is written; safe to repeat."""
        await cls.rows().update_one({"_id": generation_id}, {"$set": {"settled": True}})


def _standing(row: Mapping[str, Any]) -> Standing:
    failure = None if row["failure"] is None else Failure.model_validate(row["failure"])
    calls = tuple(Call.model_validate(call) for call in row["calls"])
    return Standing(Status(row["status"]), row["lastSequence"], failure, calls)
