"""What an exchange is made of: how far its answer has come, its images, what guided them, its place among branches."""

from enum import StrEnum

from beanie import PydanticObjectId

from app.database.document import Instant, StoredValue
from app.generations.attempts import Failure
from app.generations.recipe import Recipe
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

    `used_at` is when it was last chosen, or gone on with, by the database's clock.
    """

    above: tuple[Segment, ...]
    used_at: Instant


class Making(StoredValue):
    """The work on an answer that is under way, from before its generation exists; `started` says that it is there.

    `key` is the idempotency key that the generation gets, null for one of this server's own. `before` is the
    generation of the work before it.
    """

    generation_id: PydanticObjectId
    recipe: Recipe
    key: str | None = None
    started: bool = False
    retry_of: PydanticObjectId | None = None
    before: PydanticObjectId | None = None
