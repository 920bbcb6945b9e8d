"""The slice of the schema as Strawberry has it: plain Strawberry serves it, and Regen's engine."""

from collections.abc import AsyncGenerator
from datetime import datetime

import strawberry

from bench.peers.broker import Broker
from bench.peers.images import Event, ImageKind

strawberry.enum(ImageKind)


@strawberry.type
class Image:
    """One image."""

    id: strawberry.ID
    kind: ImageKind
    prompt: str
    created_at: datetime
    favourite: bool
    width: int
    height: int
    url: str
    parent: "Image | None" = None
    children: "list[Image]" = strawberry.field(default_factory=list)


@strawberry.type
class GenerationEvent:
    """One event of a generation."""

    generation_id: strawberry.ID
    sequence: int
    type: str
    at: datetime
    attempt: int
    status: str
    stage: str | None
    percent: int
    message: str | None


def query_of(images: list[Image]) -> type:
    """The query root over those images."""

    @strawberry.type
    class Query:
        @strawberry.field
        async def gallery(self, first: int) -> list[Image]:
            return images[:first]

    return Query


def subscription_of(broker: Broker[Event]) -> type:
    """The subscription root over that broker."""

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def generation_progress(self, id: strawberry.ID) -> AsyncGenerator[GenerationEvent]:
            async for event in broker.subscribe():
                if event.generation_id == id:
                    yield GenerationEvent(**{name: getattr(event, name) for name in Event.__slots__})

    return Subscription
