"""What happens in generations, followed live: in one of them, or in all of the viewer's."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId

from app.access import Place
from app.api.context import Info, viewer
from app.api.enums import EventType, Status
from app.api.generations import TYPE_NAME, Generation
from app.api.ids import document_id, global_id
from app.api.node import GlobalId
from app.api.pictures import Picture
from app.api.seeing import while_seen
from app.api.shared import Live, followed
from app.errors import bad_input, not_found
from app.generations import events as stored
from app.generations.followers import News, Relay
from app.generations.following import everything, progress
from app.generations.model import Generation as StoredGeneration
from app.generations.service import Generations

_STATUSES = {
    EventType.QUEUED: Status.QUEUED,
    EventType.SUCCEEDED: Status.SUCCEEDED,
    EventType.FAILED: Status.FAILED,
    EventType.CANCELLED: Status.CANCELLED,
}
"""Where an event leaves its generation, if not RUNNING."""
_OLDEST_SINCE = timedelta(days=7)
_CLOCK_AHEAD = timedelta(minutes=1)


Since = Annotated[
    datetime | None,
    strawberry.argument(
        description="When you last heard of them, with its time zone, at most 7 days ago; "
        "unset: start with those that have not ended."
    ),
]


@strawberry.type(
    description="One event in the life of a generation. `generationId` and `sequence` identify it: "
    "drop what you have seen."
)
class GenerationEvent:
    """Numbered inside its generation, without a hole."""

    generation_id: strawberry.ID = strawberry.field(description="The generation it happened in.")
    sequence: int = strawberry.field(
        description="Its number inside the generation, 1 for the first: pass the last one seen as `after` to go on."
    )
    type: EventType = strawberry.field(description="What happened. SUCCEEDED, FAILED and CANCELLED are the last one.")
    at: datetime = strawberry.field(description="When it happened.")
    attempt: int = strawberry.field(description="The number of the attempt it belongs to; 0 before the first.")
    status: Status = strawberry.field(description="Where the generation stood with it.")
    stage: str | None = strawberry.field(description="What is being done now, in a word.")
    percent: int = strawberry.field(description="How much of the work is done, 0 to 100.")
    message: str | None = strawberry.field(
        description="For people: why it failed, why it is tried again, or that a cancel came too late."
    )
    retry_at: datetime | None = strawberry.field(
        description="When the next attempt may begin; null when that is at once, or there is none."
    )
    text: str | None = strawberry.field(
        description="What a TEXT event shows: all that is written so far, at most 2,000 characters of it; each takes "
        "the place of the one before. Null for others."
    )
    picture_id: strawberry.Private[PydanticObjectId | None]
    about: strawberry.Private[StoredGeneration | PydanticObjectId]

    @classmethod
    def of(cls, event: stored.GenerationEvent, about: StoredGeneration | PydanticObjectId) -> Self:
        """A stored event about that generation, which is given whole where it was read already."""
        identity = about.identity if isinstance(about, StoredGeneration) else about
        return cls(
            generation_id=strawberry.ID(global_id(TYPE_NAME, identity)),
            sequence=event.sequence,
            type=event.type,
            at=event.at,
            attempt=event.attempt,
            status=_status(event.type, about),
            stage=event.stage,
            percent=event.percent,
            message=event.message,
            retry_at=event.retry_at,
            text=event.text,
            picture_id=event.picture_id,
            about=about,
        )

    @strawberry.field
    async def generation(self, info: Info) -> Generation:
        """The generation as it stands now, which can be further than this event."""
        if isinstance(self.about, StoredGeneration):
            return Generation.of(self.about)
        generation = await info.context.loaders.generations.load(self.about)
        if generation is None:
            raise not_found("This generation")
        return Generation.of(generation)

    @strawberry.field
    async def preview(self, info: Info) -> Picture | None:
        """The unfinished picture that a PREVIEW shows, small; null for others, and once it is deleted after the end."""
        picture = await info.context.loaders.pictures.load(self.picture_id) if self.picture_id else None
        return Picture.of(picture) if picture else None


def _status(type: EventType, about: StoredGeneration | PydanticObjectId) -> Status:
    if isinstance(about, StoredGeneration):
        return about.status
    return _STATUSES.get(type, Status.RUNNING)


@strawberry.type
class GenerationSubscription:
    """Fields of the subscription root."""

    @strawberry.subscription
    async def generation_progress(
        self,
        info: Info,
        id: GlobalId,
        after: Annotated[int | None, strawberry.argument(description="The last `sequence` seen; 0 for all.")] = 0,
    ) -> AsyncGenerator[GenerationEvent]:
        """The events of a generation after number `after`: the past ones, then live, to its end.

        It is one of the viewer's, or of a project of theirs, and ends when they may not see it any more.
        After a cut connection subscribe again with the last `sequence` seen: nothing is missed, nothing comes twice.
        Of a generation that ended long ago (a day, unless the server says otherwise) only the last event is kept.
        """
        who, identity, seen = viewer(info), document_id(id, TYPE_NAME, "id"), after or 0
        generations = info.context.services.generations
        place = await _place(generations, who.user_id, identity, seen)
        seeing = partial(generations.gate.seeing, thing=place)

        async def may_see() -> bool:
            return bool(await seeing(frozenset({who.user_id})))

        async def follow(relay: Relay | None) -> AsyncGenerator[GenerationEvent]:
            told = progress(generations.hub, place.owner_id, identity, seen, relay)
            async with aclosing(while_seen(told, may_see)) as events:
                async for event in events:
                    yield GenerationEvent.of(event, identity)

        async with aclosing(followed(info, Live(follow, _shown, "after", seeing))) as events:
            async for event in events:
                yield event

    @strawberry.subscription
    async def viewer_events(
        self,
        info: Info,
        since: Since = None,
    ) -> AsyncGenerator[GenerationEvent]:
        """Everything that happens to the viewer's generations, of all connections and devices, until you stop.

        First a SNAPSHOT of each one that has not ended, or changed since `since`; then every event, live. After a cut
        connection subscribe again with the time of the last event: what changed in between comes as a SNAPSHOT. What
        has a `sequence` that is not above the last one you saw of the same generation brings nothing new: drop it.
        """
        who, generations = viewer(info), info.context.services.generations
        check_since(since, generations.clock.now())

        async def follow(relay: Relay | None) -> AsyncGenerator[GenerationEvent]:
            told = everything(generations.hub, generations.clock, who.user_id, since, relay)
            async with aclosing(told) as events:
                async for about, event in events:
                    yield GenerationEvent.of(event, about)

        async with aclosing(followed(info, Live(follow, _shown, "since"))) as events:
            async for event in events:
                yield event


async def _place(
    generations: Generations, user_id: PydanticObjectId, generation_id: PydanticObjectId, seen: int
) -> Place:
    """Where the generation belongs, of which that many events were seen; no more of it need be kept to follow it.

    Raises:
        AppError: NOT_FOUND, or BAD_USER_INPUT naming the argument.
    """
    generation = await generations.of(user_id, generation_id)
    if generation is None:
        raise not_found("This generation", "id")
    if not 0 <= seen <= generation.last_sequence:
        raise bad_input(f"`after` is the last `sequence` seen, from 0 to {generation.last_sequence}.", "after")
    return Place.of(generation)


def _shown(news: News) -> GenerationEvent:
    return GenerationEvent.of(news.event, news.generation_id)


def check_since(since: datetime | None, now: datetime) -> None:
    """Look at the moment.

    Raises:
        AppError: BAD_USER_INPUT naming the argument when it has no time zone, is to come, or is too long ago.
    """
    if since is None:
        return
    if since.tzinfo is None:
        raise bad_input("`since` needs a time zone, as in `2026-11-20T10:00:00Z`.", "since")
    age = now - since
    if age < -_CLOCK_AHEAD:
        raise bad_input("`since` is in the future: pass the time of the last event that you saw.", "since")
    if age > _OLDEST_SINCE:
        message = f"`since` is at most {_OLDEST_SINCE.days} days ago; read `viewer.generations` for what is older."
        raise bad_input(message, "since")
