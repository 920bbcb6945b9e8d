"""A prompt and its answer: two messages of a chat, and one document, the truth of both."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel

from app.database.document import Instant, StoredDocument, StoredValue
from app.generations.attempts import Failure
from app.generations.recipe import Recipe, UsedTemplate
from app.providers.ports.model import Source


class AnswerStatus(StrEnum):
    """How far an answer has come."""

    PROCESSING = "PROCESSING"
    READY = "READY"
    PARTIAL = "PARTIAL"
    """Some of its images are missing, as was allowed."""
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class SlotStatus(StrEnum):
    """How far one image of an answer has come."""

    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"


class Slot(StoredValue):
    """The place of one image in an answer; `image_id` is the id that the image has, or will have."""

    image_id: PydanticObjectId
    status: SlotStatus = SlotStatus.PENDING
    failure: Failure | None = None


class Reference(StoredValue):
    """A picture that guides the images; `image_type` and `image_id` name what it was given as, null for a picture.

    The type is the schema's: `ChatImage`, `OrnamentImage`.
    """

    picture_id: PydanticObjectId
    sha256: str
    image_type: str | None = None
    image_id: PydanticObjectId | None = None


class Analysis(StoredValue):
    """What a model that looks at pictures said of a reference; `remembered`: it was asked before, about the same."""

    picture_id: PydanticObjectId
    text: str
    source: Source
    model: str
    remembered: bool = False


class Segment(StoredValue):
    """A stretch of a branch: its exchanges before the position `until`."""

    branch_id: PydanticObjectId
    until: int


class Fork(StoredValue):
    """Where a branch begins: `above` are the stretches of others that it goes on from, the first one first.

    `used_at` is when it was last chosen, or gone on with.
    """

    above: tuple[Segment, ...]
    used_at: Instant


class Making(StoredValue):
    """The work on an answer that is under way, from before its generation exists; `started` says that it is there."""

    generation_id: PydanticObjectId
    recipe: Recipe
    started: bool = False
    retry_of: PydanticObjectId | None = None
    before: PydanticObjectId | None = None


class Exchange(StoredDocument):
    """A user's message and the assistant's, which has the document's id; the user's has `question_id`.

    Answers to the same message share its `question_id`. `position` counts the exchanges on the way from the chat's
    beginning, from 0; `branch_id` is the id of the exchange that its branch begins with, of the chat for the first
    branch, and `place` both in one text, unique. `fork` is of the exchange that begins a branch, null for others.
    `author_id` is who sent it, null once that account is gone. `idempotency_key` is a hash of the sender and their
    key; `asked` is what two calls with the same key must have in common. `prompt` is what the user wrote, `wish` what
    was added for this answer, null for none; `full_prompt` is what the image model was asked for, null until then.
    `generation_id` is that of the latest work, null when none was ever accepted; `making` and `due` as of a dream.
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
            IndexModel([("branchId", DESCENDING), ("position", DESCENDING)], name="branch_last"),
            IndexModel([("questionId", ASCENDING), ("_id", ASCENDING)], name="question"),
            IndexModel([("fork.above.branchId", ASCENDING), ("fork.usedAt", DESCENDING)], name="forks"),
            IndexModel([("references.pictureId", ASCENDING)], name="references"),
            IndexModel([("due", ASCENDING), ("_id", ASCENDING)], name="due"),
        ]

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that a message refers to."""
        wanted = set(picture_ids)
        rows = cls.rows().find({"references.pictureId": {"$in": list(wanted)}}, {"references.pictureId": 1})
        return {one["pictureId"] async for row in rows for one in row["references"]} & wanted
