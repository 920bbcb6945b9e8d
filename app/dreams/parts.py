"""What is made of a dream: an interpretation and an illustration."""

from enum import StrEnum
from typing import NamedTuple

from beanie import PydanticObjectId

from app.database.document import Instant, StoredValue
from app.providers.ports.model import Source


class Part(StrEnum):
    """One of the two."""

    INTERPRETATION = "INTERPRETATION"
    PICTURE = "PICTURE"


class DreamStatus(StrEnum):
    """How far a dream has come."""

    PROCESSING = "PROCESSING"
    READY = "READY"
    READY_WITHOUT_PICTURE = "READY_WITHOUT_PICTURE"
    FAILED = "FAILED"


class Symbol(StoredValue):
    """Something in the dream and what it may stand for; `key` is the name as it is looked for."""

    name: str
    meaning: str
    key: str


class Emotion(StoredValue):
    """A feeling of the dream, and how strong it is: 0 to 1."""

    name: str
    intensity: float
    key: str


class Made(StoredValue):
    """Who made it, and in which generation; `note` is for people: what it is not."""

    source: Source
    provider: str
    model: str
    note: str | None
    generation_id: PydanticObjectId
    made_at: Instant


class Interpretation(Made):
    """What a dream tells, and what that may mean."""

    narrative: str
    meaning: str
    symbols: tuple[Symbol, ...]
    emotions: tuple[Emotion, ...]
    suggested_title: str


class Illustration(Made):
    """The picture of a dream."""

    picture_id: PydanticObjectId


class Parts(NamedTuple):
    """What there is of the two; null for what is not."""

    interpretation: Interpretation | None = None
    illustration: Illustration | None = None

    def over(self, others: "Parts") -> "Parts":
        """These, and of the others what is missing here."""
        return Parts(self.interpretation or others.interpretation, self.illustration or others.illustration)

    def only(self, wanted: frozenset[Part]) -> "Parts":
        """Those of them that are wanted."""
        return Parts(
            self.interpretation if Part.INTERPRETATION in wanted else None,
            self.illustration if Part.PICTURE in wanted else None,
        )

    @property
    def there(self) -> frozenset[Part]:
        """Which there are."""
        found = {Part.INTERPRETATION: self.interpretation, Part.PICTURE: self.illustration}
        return frozenset(part for part, made in found.items() if made is not None)

    @property
    def made_in(self) -> tuple[PydanticObjectId | None, PydanticObjectId | None]:
        """The generations that made them, which tell them apart: each makes at most one of each."""
        return (
            self.interpretation.generation_id if self.interpretation else None,
            self.illustration.generation_id if self.illustration else None,
        )

    @property
    def status(self) -> DreamStatus:
        """How far a dream has come that has these, and that nothing is being made of."""
        if self.interpretation is None:
            return DreamStatus.FAILED
        return DreamStatus.READY if self.illustration else DreamStatus.READY_WITHOUT_PICTURE


BOTH = frozenset(Part)
