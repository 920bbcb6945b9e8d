"""Generations as clients see them: looked at, and followed live."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId

from app.api.connections import Connection
from app.api.context import Info, viewer
from app.api.enums import ErrorCode, EventType, Outcome, Status
from app.api.ids import document_id, global_id
from app.api.node import GlobalId, Node
from app.api.pictures import Picture
from app.errors import bad_input, not_found
from app.generations import events as stored_events
from app.generations import model as stored

TYPE_NAME = "Generation"
_RESULT_TYPES: Mapping[str, str] = MappingProxyType({"ORNAMENT": "OrnamentImage"})
"""What the generations of each kind make."""


@strawberry.type(description="Why a generation failed. It is data: the mutation that started it went well.")
class GenerationFailure:
    """Shown from the document."""

    code: ErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong, for people.")
    retryable: bool = strawberry.field(description="Whether the same again may succeed.")
    retry_after_seconds: int | None = strawberry.field(description="The earliest sensible retry; null when unknown.")

    @classmethod
    def of(cls, failure: stored.Failure) -> Self:
        """The failure of a document."""
        wait = None if failure.retry_after_s is None else max(1, round(failure.retry_after_s))
        return cls(code=failure.code, message=failure.message, retryable=failure.retryable, retry_after_seconds=wait)


@strawberry.type(description="One try of a worker.")
class GenerationAttempt:
    """Shown from the document."""

    number: int = strawberry.field(description="1 for the first.")
    started_at: datetime = strawberry.field(description="When it was claimed.")
    ended_at: datetime | None = strawberry.field(description="Null while it runs.")
    outcome: Outcome | None = strawberry.field(description="How it ended; null while it runs.")
    code: ErrorCode | None = strawberry.field(description="Why it failed; null unless it did.")

    @classmethod
    def of(cls, attempt: stored.Attempt) -> Self:
        """The attempt of a document."""
        return cls(
            number=attempt.number,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            outcome=attempt.outcome,
            code=attempt.code,
        )


@strawberry.type(description="What a generation is made from; it never changes.")
class GenerationRecipe:
    """Shown from the document."""

    prompts: list[str] = strawberry.field(description="The instruction and each wish, oldest first.")
    provider: str = strawberry.field(description="Who makes it: `gemini`, `local`.")
    model: str = strawberry.field(description="The model, as the provider calls it.")
    parent_id: strawberry.ID | None = strawberry.field(
        description="The image that this is a further version of; null for a first one."
    )
    picture_ids: strawberry.Private[tuple[PydanticObjectId, ...]]

    @classmethod
    def of(cls, generation: stored.Generation) -> Self:
        """The recipe of a document."""
        recipe = generation.recipe
        type_name = _RESULT_TYPES[generation.kind]
        parent_id = strawberry.ID(global_id(type_name, recipe.parent_id)) if recipe.parent_id else None
        return cls(
            prompts=list(recipe.prompts),
            provider=recipe.provider,
            model=recipe.model,
            parent_id=parent_id,
            picture_ids=tuple(picture.picture_id for picture in recipe.pictures),
        )

    @strawberry.field
    async def pictures(self, info: Info) -> list[Picture]:
        """The pictures that the model gets, in order; those that are gone are left out."""
        found = await info.context.loaders.pictures.load_many(self.picture_ids)
        return [Picture.of(picture) for picture in found if picture]


@strawberry.type(description="A durable piece of asynchronous work. Follow it with `generationProgress`.")
class Generation(Node):
    """Shown from its document, the events left out."""

    status: Status = strawberry.field(description="Where it stands.")
    stage: str | None = strawberry.field(description="What is being done now, in a word; null unless it runs.")
    percent: int = strawberry.field(description="How much of the work is done, 0 to 100.")
    last_sequence: int = strawberry.field(description="Number of its latest event: pass it as `after` to follow on.")
    failure: GenerationFailure | None = strawberry.field(description="Why it failed; null unless it did.")
    recipe: GenerationRecipe = strawberry.field(description="What it is made from.")
    attempts: list[GenerationAttempt] = strawberry.field(description="Each try, oldest first.")
    created_at: datetime = strawberry.field(description="When it was accepted.")
    ended_at: datetime | None = strawberry.field(description="When it ended; null before.")
    document: strawberry.Private[stored.Generation]

    @classmethod
    def of(cls, generation: stored.Generation) -> Self:
        """The generation of a document."""
        failure = generation.failure
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, generation.identity)),
            status=generation.status,
            stage=generation.stage,
            percent=generation.percent,
            last_sequence=generation.last_sequence,
            failure=GenerationFailure.of(failure) if failure else None,
            recipe=GenerationRecipe.of(generation),
            attempts=[GenerationAttempt.of(attempt) for attempt in generation.attempts],
            created_at=generation.created_at,
            ended_at=generation.ended_at,
            document=generation,
        )

    @strawberry.field
    async def queue_position(self) -> int | None:
        """About how many others are before it, 0 for the next; null unless it waits."""
        if self.document.status is not Status.QUEUED:
            return None
        return await stored.Generation.ahead(self.document.identity)

    @strawberry.field
    async def result(self, info: Info) -> Node | None:
        """What it made; null until it succeeded."""
        if self.document.status is not Status.SUCCEEDED:
            return None
        found: Node | None = await info.context.show_result(info, self.document)
        return found


@strawberry.type(description="A page of generations.")
class GenerationConnection(Connection[Generation]):
    """Newest first."""


@strawberry.type(description="One event in the life of a generation.")
class GenerationEvent:
    """Numbered inside its generation, without a hole."""

    sequence: int = strawberry.field(description="1 for the first: pass the last one seen as `after` to go on.")
    type: EventType = strawberry.field(description="What happened. SUCCEEDED, FAILED and CANCELLED are the last one.")
    at: datetime = strawberry.field(description="When it happened.")
    stage: str | None = strawberry.field(description="What is being done now, in a word.")
    percent: int = strawberry.field(description="How much of the work is done, 0 to 100.")
    message: str | None = strawberry.field(description="For people: why it failed.")
    generation_id: strawberry.Private[PydanticObjectId]

    @classmethod
    def of(cls, event: stored_events.GenerationEvent, generation_id: PydanticObjectId) -> Self:
        """The event of a stored one."""
        return cls(
            sequence=event.sequence,
            type=event.type,
            at=event.at,
            stage=event.stage,
            percent=event.percent,
            message=event.message,
            generation_id=generation_id,
        )

    @strawberry.field
    async def generation(self, info: Info) -> Generation:
        """The generation as it stands now, which can be further than this event."""
        generation = await info.context.loaders.generations.load(self.generation_id)
        if generation is None:
            raise not_found("This generation")
        return Generation.of(generation)


async def find(info: Info, identity: PydanticObjectId) -> Generation | None:
    """The viewer's own generation."""
    who = viewer(info)
    generation = await info.context.loaders.generations.load(identity)
    return Generation.of(generation) if generation and generation.owner_id == who.user_id else None


@strawberry.type
class GenerationQuery:
    """Fields of the query root."""

    @strawberry.field
    async def generation(self, info: Info, id: GlobalId) -> Generation | None:
        """One of the viewer's generations; null when there is none, or it is somebody else's."""
        return await find(info, document_id(id, TYPE_NAME, "id"))


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
        """The events of one of the viewer's generations after number `after`: the past ones, then live, to its end.

        After a cut connection subscribe again with the last `sequence` seen: nothing is missed, nothing comes twice.
        """
        who, identity, seen = viewer(info), document_id(id, TYPE_NAME, "id"), after or 0
        generations = info.context.services.generations
        generation = await generations.of(who.user_id, identity)
        if generation is None:
            raise not_found("This generation", "id")
        if not 0 <= seen <= generation.last_sequence:
            raise bad_input(f"`after` is the last `sequence` seen, from 0 to {generation.last_sequence}.", "after")
        async with aclosing(generations.follow(identity, seen)) as events:
            async for event in events:
                yield GenerationEvent.of(event, identity)
