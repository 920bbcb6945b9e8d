"""What a job sees of the generation it works on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.generations.events import GenerationEvent
from app.generations.journal import Journal
from app.generations.model import Generation


@dataclass(slots=True)
class Work:
    """One attempt's view: the generation as it was claimed, and the ways to go on.

    `provider_request_id` is the provider's own id of the last call, kept with the attempt.
    """

    generation: Generation
    journal: Journal
    publish: Callable[[GenerationEvent], Awaitable[None]]
    provider_request_id: str | None = None

    async def stage(self, name: str, percent: int) -> None:
        """Say where the work stands; `percent` (0 to 100) of the whole."""
        await self.publish(await self.journal.stage(name, percent))

    async def step(self, name: str, run: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """The step's kept result, or run it now and keep its result."""
        known = self.generation.steps.get(name)
        if known is None:
            known = await run()
            await self.journal.step(name, known)
            self.generation.steps[name] = known
        return known
