"""Dreams as clients see them: what was written down, and what has been made of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

import strawberry
from beanie import PydanticObjectId

from app.access import own
from app.api.at_hand import NOTHING, NOTHING_AT_HAND, AtHand, Keys, Known, looked_up, shown_pictures
from app.api.connections import After, Connection, First, Listing, Page
from app.api.context import Context, Info, viewer
from app.api.derived import derived, deriving, often_ready
from app.api.enums import DreamStatus, Source
from app.api.generations import Generation, GenerationFailure, failure_of, generation_at_hand, generation_of
from app.api.ids import global_id
from app.api.node import ID_WORDS, Node
from app.api.pictures import Picture, picture_at_hand, picture_of
from app.api.selections import Selected
from app.database.row import checked
from app.database.together import at_once
from app.dreams import ends, parts
from app.dreams import model as stored
from app.dreams import versions as stored_versions
from app.generations import model as stored_generations
from app.pictures.model import Picture as StoredPicture

TYPE_NAME, VERSION_TYPE_NAME = "Dream", "DreamVersion"

_REGENERABLE = "status trashedAt making"
_KEYS = Keys.of(
    stored.Dream,
    picture="illustration",
    generation="generationId",
    canRegenerate=_REGENERABLE,
    canRegenerateReason=_REGENERABLE,
    versions="aside changedAt ownerId",
)
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


@deriving
@strawberry.type(description="What a dream tells, and what that may mean.")
class DreamInterpretation:
    """Shown from the document."""

    narrative: str = derived("The dream, told anew.")
    meaning: str = derived("What it may mean.")
    symbols: list[DreamSymbol] = derived(
        "The most telling things in it.",
        lambda shown: [DreamSymbol(name=one.name, meaning=one.meaning) for one in shown.document.symbols],
    )
    emotions: list[DreamEmotion] = derived(
        "What is felt in it.",
        lambda shown: [DreamEmotion(name=one.name, intensity=one.intensity) for one in shown.document.emotions],
    )
    suggested_title: str = derived("A title for it.")
    source: Source = derived("Who really made it.")
    model: str = derived("The model, as its provider calls it.")
    note: str | None = derived(_NOTE)
    made_at: datetime = derived("When it was made.")
    document: strawberry.Private[parts.Interpretation]

    @classmethod
    def of(cls, made: parts.Interpretation) -> Self:
        """The interpretation of a document."""
        return cls(document=made)


def _picture_of_illustration(shown: strawberry.Parent["DreamIllustration"], info: Info) -> Any:
    """The picture; null when it is gone."""
    return picture_of(info, shown.picture_id, shown.at_hand)


def _ready_picture_of_illustration(shown: "DreamIllustration", _: Context) -> Any:
    """The same, where it is at hand."""
    return picture_at_hand(shown.picture_id, shown.at_hand)


@strawberry.type(description="How the picture of a dream was made.")
class DreamIllustration:
    """Shown from the document."""

    source: Source = strawberry.field(description="Who really made it.")
    model: str = strawberry.field(description="The model, as its provider calls it.")
    note: str | None = strawberry.field(description=_NOTE)
    made_at: datetime = strawberry.field(description="When it was made.")
    picture_id: strawberry.Private[PydanticObjectId]
    at_hand: strawberry.Private[Known[StoredPicture]] = NOTHING

    @classmethod
    def of(cls, made: parts.Illustration, at_hand: Known[StoredPicture] = NOTHING) -> Self:
        """The illustration of a document; its picture may be at hand."""
        picture_id = made.picture_id
        return cls(
            source=made.source,
            model=made.model,
            note=made.note,
            made_at=made.made_at,
            picture_id=picture_id,
            at_hand=at_hand,
        )

    picture: Picture | None = often_ready(_picture_of_illustration, _ready_picture_of_illustration)


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


def _picture_of_dream(shown: strawberry.Parent["Dream"], info: Info) -> Any:
    """Its picture; null while there is none."""
    made = shown.document.illustration
    return picture_of(info, made.picture_id, shown.at_hand.pictures) if made else None


def _ready_picture(shown: "Dream", _: Context) -> Any:
    """The same, where it is at hand."""
    made = shown.document.illustration
    return picture_at_hand(made.picture_id, shown.at_hand.pictures) if made else None


def _generation(shown: strawberry.Parent["Dream"], info: Info) -> Any:
    """The latest work on it: follow it, or cancel it; null when none could be started."""
    return generation_of(info, shown.document.generation_id, shown.at_hand.generations)


def _ready_generation(shown: "Dream", _: Context) -> Any:
    """The same, where it is at hand."""
    return generation_at_hand(shown.document.generation_id, shown.at_hand.generations)


@deriving
@strawberry.type(description="A dream that was written down, and what has been made of it.")
class Dream(Node):
    """Shown from its document. Follow it with `dreamUpdates`."""

    id: strawberry.ID = derived(ID_WORDS, lambda shown: global_id(TYPE_NAME, shown.document.identity))
    title: str | None = derived("Your own title; without one, `interpretation.suggestedTitle` may do.")
    text: str = derived("What was written down.")
    dreamed_at: datetime = derived("When it was dreamed; when it was written down, unless told.")
    mood: str | None = derived("How it felt, in a word or two of yours, in lower case.")
    lucid: bool | None = derived("Whether you knew that you were dreaming; null unless told.")
    tags: list[str] = derived("Your tags, in lower case.")
    status: DreamStatus = derived("How far it has come.")
    interpretation: DreamInterpretation | None = derived(
        "What it tells and may mean, as soon as it is there; null while there is none.",
        lambda shown: _interpretation(shown.document.interpretation),
    )
    illustration: DreamIllustration | None = derived(
        "How its picture was made; null while there is none.",
        lambda shown: _illustration(shown.document.illustration, shown.at_hand.pictures),
    )
    failure: GenerationFailure | None = derived(
        "Why the latest work on it failed or could not be started; null once some has succeeded.",
        lambda shown: failure_of(shown.document.failure),
    )
    can_regenerate: bool = derived(
        "Whether `regenerateDream` would start something now.", lambda shown: _regenerable(shown.document)[0]
    )
    can_regenerate_reason: str = derived(
        "Why, or why not, in words for people.", lambda shown: _regenerable(shown.document)[1]
    )
    created_at: datetime = derived("When it was written down.")
    trashed_at: datetime | None = derived("When it went to the trash; null unless it is there.")
    document: strawberry.Private[stored.Dream]
    at_hand: strawberry.Private[AtHand[Any]] = NOTHING_AT_HAND

    @classmethod
    def of(cls, dream: stored.Dream, at_hand: AtHand[Any] = NOTHING_AT_HAND) -> Self:
        """The dream of a document; `at_hand` is what was read with it."""
        return cls(document=dream, at_hand=at_hand)

    picture: Picture | None = often_ready(_picture_of_dream, _ready_picture)
    generation: Generation | None = often_ready(_generation, _ready_generation)

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


async def listed(dreams: Sequence[stored.Dream], asked: Selected) -> list[Dream]:
    """Dreams of a list as they are shown, with what is asked of them read at once."""
    shown = [one.illustration.picture_id for one in dreams if one.illustration] if _shows_pictures(asked) else []
    made_by = [one.generation_id for one in dreams if one.generation_id] if "generation" in asked else []
    pictures, generations = await at_once(
        looked_up(shown_pictures, shown) if shown else None,
        looked_up(stored_generations.Generation.rows_by_ids, made_by) if made_by else None,
    )
    at_hand = AtHand[Any](pictures=pictures or NOTHING, generations=generations or NOTHING)
    return [Dream.of(one, at_hand) for one in dreams]


def keys_of(asked: Selected) -> set[str]:
    """What has to be read of dreams of which that is asked."""
    return _KEYS.asked(asked) | ({"illustration"} if _shows_pictures(asked) else set())


def _shows_pictures(asked: Selected) -> bool:
    return "picture" in asked or "picture" in asked.below("illustration")


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


def _illustration(made: parts.Illustration | None, at_hand: Known[StoredPicture] = NOTHING) -> DreamIllustration | None:
    return DreamIllustration.of(made, at_hand) if made else None


def _with_aside(
    dream: stored.Dream, found: Sequence[stored_versions.DreamVersion], page: Page
) -> list[stored_versions.DreamVersion]:
    """With what was put aside and is no version yet, where that is on the page."""
    aside, before = dream.aside, page.stretch.older_than
    known = {one.identity for one in found}
    if aside is None or aside.version_id in known or (before is not None and aside.version_id >= before):
        return list(found)
    ours = stored_versions.DreamVersion.of(dream, checked(stored.Aside, aside), dream.changed_at)
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
