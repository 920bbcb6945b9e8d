"""What the engine needs from outside: a bell for work, a bell for events, and the work itself."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from beanie import PydanticObjectId

from app.generations.events import GenerationEvent
from app.generations.followers import Follower, Followers
from app.generations.model import Generation
from app.generations.work import Work


class Serving(Protocol):
    """Work on rings that has begun."""

    async def drain(self, grace_s: float) -> None:
        """Take nothing more; return when nothing runs any more, after `grace_s` seconds at the latest.

        Rings that are not begun are another worker's at once, or the sweep's of the next process.
        """
        ...


class Bell(Protocol):
    """What those who start work need of a queue."""

    async def ring(self, generation_id: PydanticObjectId, after_s: float = 0) -> None:
        """Ask some worker to look at this generation soon, or `after_s` seconds from now.

        A ring for now is lost where the id waits or runs already; one for later never is, whatever else is rung.
        """
        ...


class WorkQueue(Bell, Protocol):
    """A doorbell: it carries ids, the document is the truth; a lost or doubled ring does no harm."""

    @property
    def description(self) -> str:
        """What it is, for the start banner and the doctor."""
        ...

    async def alive(self) -> bool:
        """Whether a ring would be heard."""
        ...

    def serve(
        self, handle: Callable[[PydanticObjectId], Awaitable[None]], slots: int
    ) -> AbstractAsyncContextManager[Serving]:
        """While entered, call `handle` for each ring, `slots` at once; at the exit, cancel what still runs."""
        ...


class EventHub(Protocol):
    """Carries events from who writes them to who follows; the stored ones are the truth.

    A follower whose buffer is full, or whose message was lost, sees a hole in the numbers and reads the database.
    """

    @property
    def followers(self) -> Followers:
        """Those of this process."""
        ...

    async def publish(
        self, owner_id: PydanticObjectId, generation_id: PydanticObjectId, event: GenerationEvent
    ) -> None:
        """Tell all followers of this generation, and those of everything of its owner.

        A hint may be about anything of the owner's, by its id; who was told it by mistake drops it by its number.
        """
        ...

    def follow(
        self, owner_id: PydanticObjectId, generation_id: PydanticObjectId | None
    ) -> AbstractAsyncContextManager[Follower]:
        """While entered, a follower of that generation of the owner; null: of all of them."""
        ...

    async def call_off(self, generation_id: PydanticObjectId) -> None:
        """Tell the worker that runs it that it is cancelled; may be lost."""
        ...

    def called_off(self) -> AbstractAsyncContextManager[AsyncIterator[PydanticObjectId]]:
        """While entered, an endless iterator of what any process calls off; where many wait, the oldest is dropped."""
        ...


type Loss = Callable[[Generation], Awaitable[None]]
"""Writes what a generation of one kind leaves that has failed or was cancelled; safe to repeat."""


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
