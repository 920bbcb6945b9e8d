"""A prompt and its answer: two messages of a chat, and one document, the truth of both."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.chats.parts import (
    Analysis,
    AnswerStatus,
    Fork,
    Making,
    Reference,
    Segment,
    Slot,
    SlotStatus,
)
from app.database.document import Instant, StoredDocument, StoredValue, utc_now
from app.generations.attempts import Failure
from app.generations.recipe import UsedTemplate
from app.lineage.discardable import chunks

__all__ = ["Analysis", "AnswerStatus", "Exchange", "Fork", "Making", "Reference", "Segment", "Slot", "SlotStatus"]

_LEFT_OVER_AFTER = timedelta(seconds=15)
"""Longer than the steps take that follow the first one: then the sweep does them."""
_DUE_AT_ONCE = 100


class Exchange(StoredDocument):
    """A user's message and the assistant's, which has the document's id; the user's has `question_id`.

    Answers to the same message share its `question_id`. `position` counts the exchanges on the way from the chat's
    beginning, from 0, without a hole; `branch_id` is the id of the exchange that its branch begins with, of the chat
    for the first branch, and `place` both in one text, unique. `fork` is of the exchange that begins a branch, the
    first one too, null for others. `parent_id` is the exchange before it on its way, null at position 0.
    `author_id` is who sent the message, null once that account is gone, and `asked_at` when, null: with the answer.
    `idempotency_key` is a hash of the sender and their key; `asked` is what two calls with the same key must have in
    common. `prompt` is what the user wrote, `wish` what was added for this answer, null for none; `full_prompt` is what
    the image model was asked for, null until then. `generation_id` is that of the latest work, null when none was ever
    accepted; `making` is null unless something is being made, and `due` when the sweep is to go on with what should
    have been done by then. `revision` rises with each change.
    """

    owner_id: PydanticObjectId
    project_id: PydanticObjectId
    chat_id: PydanticObjectId
    branch_id: PydanticObjectId
    position: int
    place: str
    fork: Fork | None = None
    question_id: PydanticObjectId
    parent_id: PydanticObjectId | None
    author_id: PydanticObjectId | None
    asked_at: Instant | None = None
    idempotency_key: str
    asked: str
    prompt: str
    wish: str | None = None
    with_context: bool = False
    allow_partial: bool = False
    references: tuple[Reference, ...] = ()
    template: UsedTemplate | None = None
    status: AnswerStatus
    slots: tuple[Slot, ...]
    analyses: tuple[Analysis, ...] = ()
    full_prompt: str | None = None
    failure: Failure | None = None
    generation_id: PydanticObjectId | None = None
    making: Making | None = None
    due: Instant | None = None
    revision: int = 0
    created_at: Instant
    changed_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "exchanges"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("idempotencyKey", ASCENDING)], name="idempotency_key", unique=True),
            IndexModel([("place", ASCENDING)], name="place", unique=True),
            IndexModel([("ownerId", ASCENDING), ("_id", ASCENDING)], name="owner"),
            IndexModel([("authorId", ASCENDING), ("_id", ASCENDING)], name="author"),
            IndexModel([("chatId", ASCENDING), ("position", ASCENDING), ("_id", ASCENDING)], name="chat_position"),
            IndexModel([("chatId", ASCENDING), ("changedAt", ASCENDING), ("_id", ASCENDING)], name="chat_changed"),
            IndexModel([("chatId", ASCENDING), ("status", ASCENDING), ("_id", ASCENDING)], name="chat_status"),
            IndexModel([("branchId", DESCENDING), ("position", DESCENDING)], name="branch_last"),
            IndexModel([("questionId", ASCENDING), ("_id", ASCENDING)], name="question"),
            IndexModel(
                [("fork.above.branchId", DESCENDING), ("fork.usedAt", DESCENDING), ("_id", DESCENDING)], name="forks"
            ),
            IndexModel([("references.pictureId", ASCENDING)], name="references"),
            IndexModel([("due", ASCENDING), ("_id", ASCENDING)], name="due"),
        ]

    @property
    def sent_at(self) -> datetime:
        """When the user's message was sent; there may be later answers to it."""
        return self.asked_at or self.created_at

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the images that are not there."""
        return tuple(number for number, slot in enumerate(self.slots) if slot.status is not SlotStatus.READY)

    def is_made_by(self, generation_id: PydanticObjectId) -> bool:
        """Whether that generation is the work on it that is under way."""
        return self.making is not None and self.making.generation_id == generation_id

    async def put(self) -> bool:
        """Store it; false when its place is taken, or there is one of the same idempotency key."""
        try:
            await self.insert()
        except DuplicateKeyError:
            return False
        return True

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}})
        found = [cls.model_validate(row) async for row in rows]
        return {one.identity: one for one in found}

    @classmethod
    async def of_key(cls, idempotency_key: str) -> Self | None:
        """The one of that idempotency key."""
        return cls._read(await cls.rows().find_one({"idempotencyKey": idempotency_key}))

    @classmethod
    async def of_messages(cls, message_ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those whose answers have these ids (400 at most); else the first ones to the users' messages that do."""
        found = await cls.by_ids(message_ids)
        if asked := [one for one in message_ids if one not in found]:
            rows = cls.rows().find({"questionId": {"$in": asked}}).sort([("questionId", ASCENDING), ("_id", ASCENDING)])
            async for row in rows:
                found.setdefault(row["questionId"], cls.model_validate(row))
        return found

    @classmethod
    async def of_message(cls, message_id: PydanticObjectId) -> Self | None:
        """The one of that message, as `of_messages` finds it."""
        return (await cls.of_messages([message_id])).get(message_id)

    @classmethod
    async def left_over(cls, now: datetime) -> list[Self]:
        """Those with something left that should have been done by then; 100 at most, the longest waiting first."""
        order = [("due", ASCENDING), ("_id", ASCENDING)]
        rows = cls.rows().find({"due": {"$lt": now, "$ne": None}}).sort(order).limit(_DUE_AT_ONCE)
        return [cls.model_validate(row) async for row in rows]

    @classmethod
    async def under_way_in(cls, chat_id: PydanticObjectId) -> list[Self]:
        """Those of a chat, on any branch, whose answers are being made; oldest first."""
        where = {"chatId": chat_id, "status": AnswerStatus.PROCESSING}
        return [cls.model_validate(row) async for row in cls.rows().find(where).sort("_id", ASCENDING)]

    @classmethod
    async def changed_in(cls, chat_id: PydanticObjectId, since: datetime) -> list[Self]:
        """Those of a chat, on any branch, that were changed since then, in the order of their latest changes."""
        order = [("changedAt", ASCENDING), ("_id", ASCENDING)]
        rows = cls.rows().find({"chatId": chat_id, "changedAt": {"$gte": since}}).sort(order)
        return [cls.model_validate(row) async for row in rows]

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that a message refers to."""
        wanted = set(picture_ids)
        rows = cls.rows().find({"references.pictureId": {"$in": list(wanted)}}, {"references.pictureId": 1})
        return {one["pictureId"] async for row in rows for one in row["references"]} & wanted

    @classmethod
    async def withdraw(cls, exchange_id: PydanticObjectId) -> None:
        """Delete one whose chat is gone."""
        await cls.rows().delete_one({"_id": exchange_id})

    @classmethod
    async def touch(cls, ids: Iterable[PydanticObjectId]) -> None:
        """Note that what they show was changed, though they say the same as before."""
        change = {"$currentDate": {"changedAt": True}, "$inc": {"revision": 1}}
        for some in chunks(ids):
            await cls.rows().update_many({"_id": {"$in": some}}, change)

    async def begin(self, making: Making) -> Self | None:
        """Begin to make the images that are not there; null when it has changed since it was read."""
        where = {"_id": self.identity, "revision": self.revision, "making": None}
        pending = [_plain(Slot(image_id=slot.image_id) if at in self.missing else slot) for at, slot in self._numbered]
        changes = {
            "status": AnswerStatus.PROCESSING,
            "slots": pending,
            "failure": None,
            "making": _plain(making),
            "generationId": making.generation_id,
            "due": self.soon(),
        }
        return await self._change(where, changes)

    async def has_started(self) -> Self | None:
        """The generation is there, and the sweep has nothing to do; null when its work is over already."""
        return await self._change(self._made, {"making.started": True, "due": None})

    async def show_prompt(self, analyses: Sequence[Analysis], full_prompt: str) -> bool:
        """Show what the references are said to show and what the image model is asked for; false when it is over."""
        changes = {"analyses": [_plain(one) for one in analyses], "fullPrompt": full_prompt}
        return await self._change(self._made, changes) is not None

    async def show_image(self, number: int) -> bool:
        """The image of that number is there; false when the work is over."""
        return await self._change(self._made, {f"slots.{number}.status": SlotStatus.READY}) is not None

    async def end(
        self,
        status: AnswerStatus,
        slots: Sequence[Slot],
        failure: Failure | None,
        generation_id: PydanticObjectId | None,
    ) -> Self | None:
        """End the work that is under way; null when it is over already."""
        changes = {
            "status": status,
            "slots": [_plain(slot) for slot in slots],
            "failure": _plain(failure),
            "generationId": generation_id,
            "making": None,
            "due": None,
        }
        return await self._change(self._made, changes)

    @staticmethod
    def soon() -> datetime:
        """When the sweep goes on with what is begun now."""
        return utc_now() + _LEFT_OVER_AFTER

    @property
    def _numbered(self) -> list[tuple[int, Slot]]:
        return list(enumerate(self.slots))

    @property
    def _made(self) -> dict[str, Any]:
        if self.making is None:
            message = "nothing is being made of this answer"
            raise ValueError(message)
        return {"_id": self.identity, "making.generationId": self.making.generation_id}

    async def _change(self, where: Mapping[str, Any], changes: Mapping[str, Any]) -> Self | None:
        update = {"$set": dict(changes), "$currentDate": {"changedAt": True}, "$inc": {"revision": 1}}
        return self._read(await self.rows().find_one_and_update(where, update, return_document=ReturnDocument.AFTER))

    @classmethod
    def _read(cls, row: Mapping[str, Any] | None) -> Self | None:
        return None if row is None else cls.model_validate(row)


def place_of(branch_id: PydanticObjectId, position: int) -> str:
    """What no two exchanges have in common."""
    return f"{branch_id}:{position}"


def _plain(value: StoredValue | None) -> dict[str, Any] | None:
    return None if value is None else value.model_dump(by_alias=True)
