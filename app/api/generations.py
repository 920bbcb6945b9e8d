"""Generations as clients see them: looked at, and followed live."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId

from app.api.connections import Connection
from app.api.context import Info, viewer
from app.api.enums import ErrorCode, EventType, Status
from app.api.ids import document_id, global_id
from app.api.node import GlobalId, Node
from app.errors import bad_input, not_found
from app.generations import events as stored_events
from app.generations import model as stored

TYPE_NAME = "Generation"


@strawberry.type(description="Why a generation failed. It is data: the mutation that started it went well.")
class GenerationFailure:
    """Shown from the document."""

    code: ErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong, for people.")
    retryable: bool = strawberry.field(description="Whether the same again may succeed.")

    @classmethod
    def of(cls, failure: stored.Failure) -> Self:
        """The failure of a document."""
        return cls(code=failure.code, message=failure.message, retryable=failure.retryable)


@strawberry.type(description="One try of a worker.")
class GenerationAttempt:
    """Shown from the document."""

    number: int = strawberry.field(description="1 for the first.")
    started_at: datetime = strawberry.field(description="When it was claimed.")
    ended_at: datetime | None = strawberry.field(description="Null while it runs.")
    outcome: str | None = strawberry.field(
        description="SUCCEEDED, GIVEN_BACK, LEASE_LOST or a failure's code; null while it runs."
    )


@strawberry.type(description="What a generation is made from; it never changes.")
class GenerationRecipe:
    """Shown from the document."""

    prompts: list[str] = strawberry.field(description="The instruction and each wish, oldest first.")
    provider: str = strawberry.field(description="Who makes it: `gemini`, `local`.")
    model: str = strawberry.field(description="The model, as the provider calls it.")


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
        failure, recipe = generation.failure, generation.recipe
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, generation.identity)),
            status=generation.status,
            stage=generation.stage,
            percent=generation.percent,
            last_sequence=generation.last_sequence,
            failure=GenerationFailure.of(failure) if failure else None,
            recipe=GenerationRecipe(prompts=list(recipe.prompts), provider=recipe.provider, model=recipe.model),
            attempts=[
                GenerationAttempt(number=a.number, started_at=a.started_at, ended_at=a.ended_at, outcome=a.outcome)
                for a in generation.attempts
            ],
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
        after: Annotated[int, strawberry.argument(description="The last `sequence` seen; 0 for all.")] = 0,
    ) -> AsyncGenerator[GenerationEvent]:
        """The events of one of the viewer's generations after number `after`: the past ones, then live, to its end.

        After a cut connection subscribe again with the last `sequence` seen: nothing is missed, nothing comes twice.
        """
        if after < 0:
            raise bad_input("`after` is the number of the last event seen, 0 for all.", "after")
        identity = document_id(id, TYPE_NAME, "id")
        generations = info.context.services.generations
        if await generations.of(viewer(info).user_id, identity) is None:
            raise not_found("This generation", "id")
        async with aclosing(generations.follow(identity, after)) as events:
            async for event in events:
                yield GenerationEvent.of(event, identity)
