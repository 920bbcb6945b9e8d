"""What the engine needs from outside: a bell for work, a bell for events, and the work itself."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from beanie import PydanticObjectId

from app.generations.events import GenerationEvent
from app.generations.model import Generation
from app.generations.work import Work


class WorkQueue(Protocol):
    """A doorbell: it carries ids, the document is the truth; a lost or doubled ring does no harm."""

    @property
    def description(self) -> str:
        """What it is, for the start banner and the doctor."""
        ...

    async def ring(self, generation_id: PydanticObjectId) -> None:
        """Ask some worker to look at this generation soon."""
        ...

    async def alive(self) -> bool:
        """Whether a ring would be heard."""
        ...

    def serve(
        self, handle: Callable[[PydanticObjectId], Awaitable[None]], slots: int
    ) -> AbstractAsyncContextManager[None]:
        """While entered, call `handle` for each ring, `slots` at once; at the exit, cancel what still runs."""
        ...


class EventHub(Protocol):
    """Carries events from who writes them to who follows; the stored ones are the truth.

    A follower whose buffer is full, or whose message was lost, sees a hole in the numbers and reads the database.
    """

    async def publish(self, generation: Generation, event: GenerationEvent) -> None:
        """Tell all followers of this generation."""
        ...

    def follow(
        self, generation_id: PydanticObjectId
    ) -> AbstractAsyncContextManager[AsyncIterator[GenerationEvent | None]]:
        """While entered, an endless iterator of its live events; null where some may have been missed."""
        ...


class Job(Protocol):
    """What a generation of one kind does."""

    async def run(self, work: Work) -> None:
        """Do the steps; return when all their results are kept.

        Raises:
            AppError: the work failed; `retryable` says whether the same again may succeed.
        """
        ...

    async def complete(self, generation: Generation) -> None:
        """Write the result of a succeeded generation under its pre-allocated id; safe to repeat."""
        ...
