"""The format of exported dreams: what an archive of them says, whether for programs or for people.

It is public: the README that every archive holds describes it. A change that a reader has to know of raises `VERSION`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Self

from beanie import PydanticObjectId

from app.archives.pictures import Archived
from app.database.document import Instant
from app.dreams import parts
from app.dreams.model import Dream
from app.dreams.versions import DreamVersion
from app.errors import ErrorCode
from app.providers.ports.model import Source

FORMAT: Final = "regen.dreams"
VERSION: Final = 1
DREAMS: Final = "dreams.json"
INDEX: Final = "index.md"
README: Final = "README.txt"

type Files = Mapping[PydanticObjectId, str]
"""The names of the entries of pictures, by the pictures' ids; one that is lost is not among them."""


class ExportFormat(StrEnum):
    """How an archive tells of dreams."""

    JSON = "JSON"
    MARKDOWN = "MARKDOWN"


class ArchivedSymbol(Archived):
    """Something in a dream, and what it may stand for."""

    name: str
    meaning: str


class ArchivedEmotion(Archived):
    """A feeling of a dream, and how strong it is: 0 to 1."""

    name: str
    intensity: float


class ArchivedMade(Archived):
    """Who made it, when, and in which generation; `note`: what it is not."""

    source: Source
    provider: str
    model: str
    note: str | None
    made_at: Instant
    generation_id: PydanticObjectId


class ArchivedInterpretation(ArchivedMade):
    """What a dream tells, and what that may mean."""

    narrative: str
    meaning: str
    symbols: tuple[ArchivedSymbol, ...]
    emotions: tuple[ArchivedEmotion, ...]
    suggested_title: str

    @classmethod
    def of(cls, made: parts.Interpretation) -> Self:
        """What is told of it."""
        return cls(
            **_made(made),
            narrative=made.narrative,
            meaning=made.meaning,
            symbols=tuple(ArchivedSymbol(name=one.name, meaning=one.meaning) for one in made.symbols),
            emotions=tuple(ArchivedEmotion(name=one.name, intensity=one.intensity) for one in made.emotions),
            suggested_title=made.suggested_title,
        )


class ArchivedIllustration(ArchivedMade):
    """The picture of a dream; `picture` is the name of its entry, null when it was lost before the export."""

    picture: str | None

    @classmethod
    def of(cls, made: parts.Illustration, files: Files) -> Self:
        """What is told of it."""
        return cls(**_made(made), picture=files.get(made.picture_id))


class ArchivedVersion(Archived):
    """Parts of a dream that were replaced, null for what was not; `kept_at` is when."""

    id: PydanticObjectId
    interpretation: ArchivedInterpretation | None
    illustration: ArchivedIllustration | None
    kept_at: Instant

    @classmethod
    def of(cls, version: DreamVersion, files: Files) -> Self:
        """What is told of it."""
        return cls(
            id=version.identity,
            interpretation=_interpretation(version.interpretation),
            illustration=_illustration(version.illustration, files),
            kept_at=version.kept_at,
        )


class ArchivedFailure(Archived):
    """Why the latest work on a dream failed."""

    code: ErrorCode
    message: str
    retryable: bool


class ArchivedDream(Archived):
    """A dream with all that was made of it, its versions newest first; null is what nobody has told or made."""

    id: PydanticObjectId
    title: str | None
    text: str
    dreamed_at: Instant
    mood: str | None
    lucid: bool | None
    tags: tuple[str, ...]
    status: parts.DreamStatus
    interpretation: ArchivedInterpretation | None
    illustration: ArchivedIllustration | None
    failure: ArchivedFailure | None
    generation_id: PydanticObjectId | None
    versions: tuple[ArchivedVersion, ...]
    created_at: Instant
    changed_at: Instant
    trashed_at: Instant | None

    @classmethod
    def of(cls, dream: Dream, versions: Sequence[DreamVersion], files: Files) -> Self:
        """What is told of it."""
        failure = dream.failure
        return cls(
            id=dream.identity,
            title=dream.title,
            text=dream.text,
            dreamed_at=dream.dreamed_at,
            mood=dream.mood,
            lucid=dream.lucid,
            tags=dream.tags,
            status=dream.status,
            interpretation=_interpretation(dream.interpretation),
            illustration=_illustration(dream.illustration, files),
            failure=ArchivedFailure(code=failure.code, message=failure.message, retryable=failure.retryable)
            if failure
            else None,
            generation_id=dream.generation_id,
            versions=tuple(ArchivedVersion.of(one, files) for one in versions),
            created_at=dream.created_at,
            changed_at=dream.changed_at,
            trashed_at=dream.trashed_at,
        )


def _made(made: parts.Made) -> dict[str, Any]:
    return {name: getattr(made, name) for name in ArchivedMade.model_fields}


def _interpretation(made: parts.Interpretation | None) -> ArchivedInterpretation | None:
    return ArchivedInterpretation.of(made) if made else None


def _illustration(made: parts.Illustration | None, files: Files) -> ArchivedIllustration | None:
    return ArchivedIllustration.of(made, files) if made else None
