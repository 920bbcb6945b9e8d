"""A generation: one durable piece of asynchronous work, with all that happened to it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument, StoredValue
from app.errors import ErrorCode
from app.generations.events import GenerationEvent


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


class RecipePicture(StoredValue):
    """An input picture, by id and by the hash of its bytes."""

    picture_id: PydanticObjectId
    sha256: str


class Recipe(StoredValue):
    """All that a generation is made from; never changed.

    `prompts` are the instruction and each wish, oldest first. `parent_id` is the version that this one
    descends from, null for a first one.
    """

    task: str
    prompts: tuple[str, ...]
    pictures: tuple[RecipePicture, ...]
    provider: str
    model: str
    parameters: dict[str, str] = Field(default_factory=dict)
    parent_id: PydanticObjectId | None = None

    def asked(self) -> "Recipe":
        """What the caller chose, whoever does it: a deploy that changes the model changes nothing about that."""
        return self.model_copy(update={"provider": "", "model": ""})


class Failure(StoredValue):
    """Why it failed: a public code, a sentence for people, and whether the same again may succeed."""

    code: ErrorCode
    message: str
    retryable: bool
    retry_after_s: float | None = None


class Lease(StoredValue):
    """Who works on it, and until when by the database's clock."""

    worker: str
    until: Instant


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    GIVEN_BACK = "GIVEN_BACK"
    LEASE_LOST = "LEASE_LOST"


class Attempt(StoredValue):
    """One try of one worker; `outcome` is null while it runs, `code` says why it failed."""

    number: int
    worker: str
    started_at: Instant
    ended_at: Instant | None = None
    outcome: Outcome | None = None
    code: ErrorCode | None = None
    provider_request_id: str | None = None


class Generation(StoredDocument):
    """One document is the truth of each step of the work.

    `idempotency_key` is `owner:key`, one text because the embedded database checks only single fields quickly.
    `result_id` is the id that what it makes will have. `settled` is false until it has ended and its result
    is written; what is not settled is found again after a crash.
    """

    owner_id: PydanticObjectId
    kind: str
    recipe: Recipe
    idempotency_key: str
    result_id: PydanticObjectId
    status: Status = Status.QUEUED
    stage: str | None = None
    percent: int = 0
    settled: bool = False
    steps: dict[str, dict[str, Any]] = Field(default_factory=dict)
    last_sequence: int = 1
    events: list[GenerationEvent] = Field(default_factory=list[GenerationEvent])
    attempt: int = 0
    attempts: list[Attempt] = Field(default_factory=list[Attempt])
    lease: Lease | None = None
    not_before: Instant | None = None
    failure: Failure | None = None
    created_at: Instant
    ended_at: Instant | None = None

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "generations"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("idempotencyKey", ASCENDING)], name="idempotency_key", unique=True),
            IndexModel([("ownerId", DESCENDING), ("_id", DESCENDING)], name="owner_newest"),
            IndexModel([("ownerId", DESCENDING), ("status", DESCENDING), ("_id", DESCENDING)], name="owner_status"),
            IndexModel([("settled", ASCENDING), ("_id", ASCENDING)], name="unsettled"),
        ]

    @classmethod
    async def start(cls, first: Self) -> tuple[Self, bool]:
        """Insert it, or find the one of the same idempotency key; true when it is new."""
        try:
            await first.insert()
        except DuplicateKeyError:
            known = await cls.find_one({"idempotencyKey": first.idempotency_key})
            if known is None:
                raise
            return known, False
        return first, True

    @classmethod
    async def without_events(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id, their events left out."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}}, {"events": 0})
        found = [cls.model_validate(row) async for row in rows]
        return {generation.identity: generation for generation in found}

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
    async def unsettled(cls, limit: int) -> list[PydanticObjectId]:
        """Ids of what still has something to be done, oldest first."""
        rows = cls.rows().find({"settled": False}, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
        return [row["_id"] async for row in rows]

    @classmethod
    async def ahead(cls, generation_id: PydanticObjectId) -> int:
        """How many queued ones of all owners are older: an estimate of the place in the queue."""
        return await cls.rows().count_documents(
            {"settled": False, "_id": {"$lt": generation_id}, "status": Status.QUEUED}
        )

    @classmethod
    async def events_after(cls, generation_id: PydanticObjectId, sequence: int) -> list[GenerationEvent]:
        """Its events with a greater number than `sequence`, in order."""
        row = await cls.rows().find_one({"_id": generation_id}, {"events": 1})
        events = [GenerationEvent.model_validate(event) for event in (row or {}).get("events", ())]
        return [event for event in events if event.sequence > sequence]
