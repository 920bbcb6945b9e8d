"""What happens in a generation, numbered from 1 without a hole."""

from enum import StrEnum
from typing import Self

from beanie import PydanticObjectId

from app.database.document import Instant, StoredValue, utc_now


class EventType(StrEnum):
    """What happened."""

    QUEUED = "QUEUED"
    STARTED = "STARTED"
    STAGE = "STAGE"
    PREVIEW = "PREVIEW"
    TEXT = "TEXT"
    RETRYING = "RETRYING"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SNAPSHOT = "SNAPSHOT"

    @property
    def terminal(self) -> bool:
        """Whether no event comes after it."""
        return self in {EventType.SUCCEEDED, EventType.FAILED, EventType.CANCELLED}


class GenerationEvent(StoredValue):
    """One event.

    `sequence` is its number inside the generation, `percent` (0 to 100) of the whole work, `attempt` the number of
    the attempt it belongs to, 0 before the first. `retry_at` is when the next attempt may begin, `picture_id` the
    preview, `text` all that is written so far. SNAPSHOT is never stored: it says how a generation stands, under the
    number of its latest event.
    """

    sequence: int
    type: EventType
    at: Instant
    attempt: int = 0
    stage: str | None = None
    percent: int = 0
    message: str | None = None
    retry_at: Instant | None = None
    picture_id: PydanticObjectId | None = None
    text: str | None = None

    @classmethod
    def hint(cls) -> Self:
        """Says only that something is to be read again: its number is 0, which no stream of events hands on."""
        return cls(sequence=0, type=EventType.SNAPSHOT, at=utc_now())
