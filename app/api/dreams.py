"""Dreams as clients see them: what was written down, and what has been made of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.access import own
from app.api.connections import After, Connection, First, Listing, Page
from app.api.context import Info, viewer
from app.api.enums import DreamStatus, Source
from app.api.generations import Generation, GenerationFailure
from app.api.ids import global_id
from app.api.node import Node
from app.api.pictures import Picture
from app.dreams import ends, parts
from app.dreams import model as stored
from app.dreams import versions as stored_versions
from app.generations import model as stored_generations

TYPE_NAME, VERSION_TYPE_NAME = "Dream", "DreamVersion"

_NOTE = "What it is not, in words for people; null for a model's work."


@strawberry.type(description="Something in a dream, and what it may stand for.")
class DreamSymbol:
    """Shown from the document."""

    name: str = strawberry.field(description="What it is.")
    meaning: str = strawberry.field(description="What it may stand for in this dream.")


@strawberry.type(description="A feeling of a dream.")
class DreamEmotion:
    """Shown from the document."""

    name: str = strawberry.field(description="Which.")
    intensity: float = strawberry.field(description="How strong it is, 0 to 1.")


@strawberry.type(description="What a dream tells, and what that may mean.")
class DreamInterpretation:
    """Shown from the document."""

    narrative: str = strawberry.field(description="The dream, told anew.")
    meaning: str = strawberry.field(description="What it may mean.")
    symbols: list[DreamSymbol] = strawberry.field(description="The most telling things in it.")
    emotions: list[DreamEmotion] = strawberry.field(description="What is felt in it.")
    suggested_title: str = strawberry.field(description="A title for it.")
    source: Source = strawberry.field(description="Who really made it.")
    model: str = strawberry.field(description="The model, as its provider calls it.")
    note: str | None = strawberry.field(description=_NOTE)
    made_at: datetime = strawberry.field(description="When it was made.")

    @classmethod
    def of(cls, made: parts.Interpretation) -> Self:
        """The interpretation of a document."""
        return cls(
            narrative=made.narrative,
            meaning=made.meaning,
            symbols=[DreamSymbol(name=one.name, meaning=one.meaning) for one in made.symbols],
            emotions=[DreamEmotion(name=one.name, intensity=one.intensity) for one in made.emotions],
            suggested_title=made.suggested_title,
            source=made.source,
            model=made.model,
            note=made.note,
            made_at=made.made_at,
        )


@strawberry.type(description="How the picture of a dream was made.")
class DreamIllustration:
    """Shown from the document."""

    source: Source = strawberry.field(description="Who really made it.")
    model: str = strawberry.field(description="The model, as its provider calls it.")
    note: str | None = strawberry.field(description=_NOTE)
    made_at: datetime = strawberry.field(description="When it was made.")
    picture_id: strawberry.Private[PydanticObjectId]

    @classmethod
    def of(cls, made: parts.Illustration) -> Self:
        """The illustration of a document."""
        return cls(
            source=made.source, model=made.model, note=made.note, made_at=made.made_at, picture_id=made.picture_id
        )

    @strawberry.field
    async def picture(self, info: Info) -> Picture | None:
        """The picture; null when it is gone."""
        return await _picture(info, self.picture_id)


@strawberry.type(description="Parts of a dream that were replaced. `restoreVersion` puts them back.")
class DreamVersion(Node):
    """Shown from its document."""

    interpretation: DreamInterpretation | None = strawberry.field(
        description="The interpretation that was replaced; null when that was not."
    )
    illustration: DreamIllustration | None = strawberry.field(
        description="The picture that was replaced; null when that was not."
    )
    kept_at: datetime = strawberry.field(description="When it was replaced.")

    @classmethod
    def of(cls, version: stored_versions.DreamVersion) -> Self:
        """The version of a document."""
        return cls(
            id=strawberry.ID(global_id(VERSION_TYPE_NAME, version.identity)),
            interpretation=_interpretation(version.interpretation),
            illustration=_illustration(version.illustration),
            kept_at=version.kept_at,
        )


@strawberry.type(description="A page of versions of a dream.")
class DreamVersionConnection(Connection[DreamVersion]):
    """Newest first."""


@strawberry.type(description="A dream that was written down, and what has been made of it.")
class Dream(Node):
    """Shown from its document. Follow it with `dreamUpdates`."""

    title: str | None = strawberry.field(
        description="Your own title; without one, `interpretation.suggestedTitle` may do."
    )
    text: str = strawberry.field(description="What was written down.")
    dreamed_at: datetime = strawberry.field(description="When it was dreamed; when it was written down, unless told.")
    mood: str | None = strawberry.field(description="How it felt, in a word or two of yours, in lower case.")
    lucid: bool | None = strawberry.field(description="Whether you knew that you were dreaming; null unless told.")
    tags: list[str] = strawberry.field(description="Your tags, in lower case.")
    status: DreamStatus = strawberry.field(description="How far it has come.")
    interpretation: DreamInterpretation | None = strawberry.field(
        description="What it tells and may mean, as soon as it is there; null while there is none."
    )
    illustration: DreamIllustration | None = strawberry.field(
        description="How its picture was made; null while there is none."
    )
    failure: GenerationFailure | None = strawberry.field(
        description="Why the latest work on it failed or could not be started; null once some has succeeded."
    )
    can_regenerate: bool = strawberry.field(description="Whether `regenerateDream` would start something now.")
    can_regenerate_reason: str = strawberry.field(description="Why, or why not, in words for people.")
    created_at: datetime = strawberry.field(description="When it was written down.")
    trashed_at: datetime | None = strawberry.field(description="When it went to the trash; null unless it is there.")
    document: strawberry.Private[stored.Dream]

    @classmethod
    def of(cls, dream: stored.Dream) -> Self:
        """The dream of a document."""
        can, why = _regenerable(dream)
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, dream.identity)),
            title=dream.title,
            text=dream.text,
            dreamed_at=dream.dreamed_at,
            mood=dream.mood,
            lucid=dream.lucid,
            tags=list(dream.tags),
            status=dream.status,
            interpretation=_interpretation(dream.interpretation),
            illustration=_illustration(dream.illustration),
            failure=GenerationFailure.of(dream.failure) if dream.failure else None,
            can_regenerate=can,
            can_regenerate_reason=why,
            created_at=dream.created_at,
            trashed_at=dream.trashed_at,
            document=dream,
        )

    @strawberry.field
    async def picture(self, info: Info) -> Picture | None:
        """Its picture; null while there is none."""
        made = self.document.illustration
        return await _picture(info, made.picture_id) if made else None

    @strawberry.field
    async def generation(self, info: Info) -> Generation | None:
        """The latest work on it: follow it, or cancel it; null when none could be started."""
        if self.document.generation_id is None:
            return None
        generation = await info.context.loaders.generations.load(self.document.generation_id)
        return Generation.of(generation) if generation else None

    @strawberry.field
    async def versions(self, info: Info, first: First = None, after: After = None) -> DreamVersionConnection:
        """What was made of it before and has been replaced, newest first; what is being replaced just now is the first.

        A cancel takes that one back out, for then it is there again.
        """
        page = Page(Listing("versions", self.document.identity), first, after)
        found = await info.context.loaders.dream_versions.load((self.document.identity, page.stretch))
        shown = [(one.identity, DreamVersion.of(one)) for one in _with_aside(self.document, found, page)]
        return DreamVersionConnection.of(shown, page)


async def find(info: Info, identity: PydanticObjectId) -> Dream | None:
    """The viewer's own dream."""
    who = viewer(info)
    dream = own(who.user_id, await info.context.loaders.dreams.load(identity))
    return Dream.of(dream) if dream else None


async def find_version(info: Info, identity: PydanticObjectId) -> DreamVersion | None:
    """A version of a dream of the viewer's."""
    who = viewer(info)
    version = own(who.user_id, await info.context.loaders.versions.load(identity))
    return DreamVersion.of(version) if version else None


async def result(info: Info, generation: stored_generations.Generation) -> Dream | None:
    """The dream that a succeeded generation was made for; its last write is done here if a crash left it undone."""
    dream_id = generation.recipe.parent_id
    if dream_id is None:
        return None
    if not generation.settled:
        await ends.end(generation)
    dream = await info.context.loaders.dreams.load(dream_id)
    return Dream.of(dream) if dream else None


def _interpretation(made: parts.Interpretation | None) -> DreamInterpretation | None:
    return DreamInterpretation.of(made) if made else None


def _illustration(made: parts.Illustration | None) -> DreamIllustration | None:
    return DreamIllustration.of(made) if made else None


async def _picture(info: Info, picture_id: PydanticObjectId) -> Picture | None:
    picture = await info.context.loaders.pictures.load(picture_id)
    return Picture.of(picture) if picture else None


def _with_aside(
    dream: stored.Dream, found: Sequence[stored_versions.DreamVersion], page: Page
) -> list[stored_versions.DreamVersion]:
    """With what was put aside and is no version yet, where that is on the page."""
    aside, before = dream.aside, page.stretch.older_than
    known = {one.identity for one in found}
    if aside is None or aside.version_id in known or (before is not None and aside.version_id >= before):
        return list(found)
    ours = stored_versions.DreamVersion.of(dream, aside, dream.changed_at)
    return sorted((*found, ours), key=lambda one: one.identity, reverse=True)[: page.stretch.limit]


def _regenerable(dream: stored.Dream) -> tuple[bool, str]:
    if dream.trashed_at is not None:
        return False, "It is in the trash: take it out with `restore` first."
    if dream.making is not None:
        return False, "Something is being made of it: wait for it, or cancel its generation."
    if dream.status is DreamStatus.READY:
        return True, "It is complete; what you regenerate is kept as a version."
    if dream.status is DreamStatus.READY_WITHOUT_PICTURE:
        return True, "Its picture is missing."
    return True, "Its interpretation is missing."
