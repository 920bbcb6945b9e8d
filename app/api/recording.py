"""Dreams are written down, and what was written is changed."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from app.api.context import Info, viewer
from app.api.dreams import TYPE_NAME, Dream
from app.api.errors import UserError, errors_in
from app.api.ids import document_id
from app.api.keys import KEY_WORDS, check_key
from app.api.node import INPUT
from app.dreams.telling import (
    TEXT_MAX_CHARACTERS,
    TITLE_MAX_CHARACTERS,
    Told,
    as_dreamed_at,
    as_mood,
    as_tags_of_dream,
    as_text,
    as_title,
)
from app.errors import bad_input
from app.labels import TAG_MAX_CHARACTERS, TAGS_MAX

_TITLE = f"A title of your own, at most {TITLE_MAX_CHARACTERS} characters."
_TEXT = f"What you dreamed, 1 to {TEXT_MAX_CHARACTERS:,} characters. Whatever it says, it is only a dream."
_MOOD = f"How it felt, in a word or two, at most {TAG_MAX_CHARACTERS} characters."
_TAGS = f"At most {TAGS_MAX} of 1 to {TAG_MAX_CHARACTERS} characters; they are trimmed and in lower case."


@strawberry.input(description="A dream.")
class RecordDreamInput:
    """What `recordDream` takes."""

    text: str = strawberry.field(description=_TEXT)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    dreamed_at: datetime | None = strawberry.field(
        default=None, description="When you dreamed it, with its time zone; unset: now."
    )
    mood: str | None = strawberry.field(default=None, description=_MOOD)
    lucid: bool | None = strawberry.field(default=None, description="Whether you knew that you were dreaming.")
    tags: list[str] | None = strawberry.field(default=None, description=_TAGS)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A dream, and what is to be different about it; what is left out stays as it is.")
class UpdateDreamInput:
    """What `updateDream` takes."""

    dream_id: strawberry.ID = strawberry.field(description="The id of a `Dream` of yours.")
    text: strawberry.Maybe[str] = strawberry.field(description=_TEXT)
    title: strawberry.Maybe[str | None] = strawberry.field(description=f"{_TITLE} Null or empty: none any more.")
    dreamed_at: strawberry.Maybe[datetime] = strawberry.field(description="When you dreamed it, with its time zone.")
    mood: strawberry.Maybe[str | None] = strawberry.field(description=f"{_MOOD} Null or empty: none any more.")
    lucid: strawberry.Maybe[bool | None] = strawberry.field(description="Whether you knew; null: not told.")
    tags: strawberry.Maybe[list[str]] = strawberry.field(description=f"In place of those before. {_TAGS}")


@strawberry.type(description="The dream, and why nothing is made of it, or why it was not stored.")
class RecordDreamPayload:
    """What `recordDream` answers."""

    dream: Dream | None = strawberry.field(
        default=None, description="The dream. It is stored even when nothing could be started: then `errors` says why."
    )
    errors: list[UserError] = strawberry.field(
        default_factory=list[UserError],
        description="Without a dream: why it was not stored. Beside one: why its generation could not be started; the "
        "dream's `failure` says the same. The same call with the same idempotencyKey tries again to start it.",
    )


@strawberry.type(description="The dream, or why nothing was changed.")
class UpdateDreamPayload:
    """What `updateDream` answers."""

    dream: Dream | None = strawberry.field(default=None, description="The dream as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type
class RecordingMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(RecordDreamPayload)
    async def record_dream(self, info: Info, input: Annotated[RecordDreamInput, INPUT]) -> RecordDreamPayload | None:
        """Write a dream down: it is interpreted, then illustrated. Follow it with `dreamUpdates`.

        It is stored at once and never lost, whatever becomes of the rest.
        """
        who, key = viewer(info), check_key(input.idempotency_key)
        told = Told(
            text=as_text(input.text),
            title=as_title(input.title),
            dreamed_at=as_dreamed_at(input.dreamed_at),
            mood=as_mood(input.mood),
            lucid=input.lucid,
            tags=as_tags_of_dream(input.tags),
        )
        recorded = await info.context.services.dreams.record(who.user_id, told, key)
        errors = [UserError.of(recorded.refusal)] if recorded.refusal else []
        return RecordDreamPayload(dream=Dream.of(recorded.dream), errors=errors)

    @strawberry.mutation
    @errors_in(UpdateDreamPayload)
    async def update_dream(self, info: Info, input: Annotated[UpdateDreamInput, INPUT]) -> UpdateDreamPayload | None:
        """Change what you said of a dream. What was made of it stays: `regenerateDream` makes it anew."""
        who, dream_id = viewer(info), document_id(input.dream_id, TYPE_NAME, "input", "dreamId")
        dream = await info.context.services.dreams.update(who.user_id, dream_id, _changes(input))
        return UpdateDreamPayload(dream=Dream.of(dream))


def _changes(input: UpdateDreamInput) -> dict[str, Any]:
    """What was given, as it is kept, by the document's keys."""
    changes = dict[str, Any]()
    if input.text is not None:
        changes["text"] = as_text(input.text.value)
    if input.title is not None:
        changes["title"] = as_title(input.title.value)
    if input.dreamed_at is not None:
        changes["dreamedAt"] = as_dreamed_at(input.dreamed_at.value)
    if input.mood is not None:
        changes["mood"] = as_mood(input.mood.value)
    if input.lucid is not None:
        changes["lucid"] = input.lucid.value
    if input.tags is not None:
        changes["tags"] = list(as_tags_of_dream(input.tags.value))
    if not changes:
        raise bad_input("Say what is to be different: a title, a text, a time, a mood, tags.", "input")
    return changes
