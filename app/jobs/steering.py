"""What the operator does on behalf of an owner, as the API does it: with all the parts of a process, and its bells."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.bootstrap.parts import assemble
from app.generations.model import Generation
from app.generations.service import Generations
from app.jobs.desk import Desk, opened
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Steering:
    """Retries and cancels; `desk` finds what is meant."""

    desk: Desk
    generations: Generations

    async def retry(self, text: str) -> Generation:
        """Start it again for its owner; the new one.

        Raises:
            AppError: NOT_FOUND, CONFLICT, RATE_LIMITED, as for the owner.
            JobsError: there is none.
        """
        generation = (await self.desk.standing(text)).generation
        return await self.generations.retry(generation.owner_id, generation.identity, None)

    async def cancel(self, text: str) -> Generation:
        """Cancel it for its owner; as it stands now.

        Raises:
            AppError: NOT_FOUND, CONFLICT, as for the owner.
            JobsError: there is none.
        """
        generation = (await self.desk.standing(text)).generation
        return await self.generations.cancel(generation.owner_id, generation.identity)


@asynccontextmanager
async def at_the_wheel(settings: Settings) -> AsyncGenerator[Steering]:
    """Open the database, that of a running server included, and what rings its workers.

    Raises:
        DatabaseError: it can't be opened.
        SecretFileError: a secret's file can't be trusted.
    """
    parts = assemble(settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.close)
        for link in parts.links:
            await stack.enter_async_context(link())
        yield Steering(await stack.enter_async_context(opened(settings)), parts.services.generations)
