"""What happens in a generation, numbered from 1 without a hole."""

from enum import StrEnum

from app.database.document import Instant, StoredValue


class EventType(StrEnum):
    """What happened."""

    QUEUED = "QUEUED"
    STARTED = "STARTED"
    STAGE = "STAGE"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether no event comes after it."""
        return self in {EventType.SUCCEEDED, EventType.FAILED, EventType.CANCELLED}


class GenerationEvent(StoredValue):
    """One event; `sequence` is its number inside the generation, `percent` (0 to 100) of the whole work."""

    sequence: int
    type: EventType
    at: Instant
    stage: str | None = None
    percent: int = 0
    message: str | None = None
