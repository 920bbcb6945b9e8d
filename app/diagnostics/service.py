"""The use cases of diagnostics: start a run, start it again, look at it."""

from dataclasses import dataclass

from beanie import PydanticObjectId

from app.access import owns
from app.accounts.administrators import administrator
from app.diagnostics.results import GENERATION_KIND, SUITE, Run
from app.diagnostics.suites import Suite
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.generations.service import Generations


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What administrators do; everybody else is refused."""

    generations: Generations

    async def start(
        self, user_id: PydanticObjectId, suite: Suite, key: str | None, asked: str | None = None
    ) -> Generation:
        """A run of a suite, of the administrator's own.

        Raises:
            AppError: FORBIDDEN for who is no administrator; those of `Generations.start`.
        """
        await administrator(user_id)
        return await self.generations.start(user_id, GENERATION_KIND, recipe_of(suite), key, asked=asked)

    async def retry(
        self, generation: Generation, key: str | None, batch_id: PydanticObjectId | None = None
    ) -> Generation:
        """Another run of the same suite, for one that was called off. Implements `RetryAs`.

        Raises:
            AppError: as `start`.
        """
        await administrator(generation.owner_id)
        recipe, kind = generation.recipe, GENERATION_KIND
        return await self.generations.start(generation.owner_id, kind, recipe, key, generation.identity, batch_id)

    async def find(self, user_id: PydanticObjectId, generation_id: PydanticObjectId) -> Run | None:
        """An administrator's own run; null when there is none, or it is another's, or the generation is of other work.

        Raises:
            AppError: FORBIDDEN for who is no administrator.
        """
        await administrator(user_id)
        generation = (await Generation.without_events([generation_id])).get(generation_id)
        if generation is None or not owns(user_id, generation) or generation.kind != GENERATION_KIND:
            return None
        return Run.of(generation)


def recipe_of(suite: Suite) -> Recipe:
    """What a run of a suite is made from: the server does it itself; what it calls is in its ledger."""
    return Recipe(
        task=GENERATION_KIND,
        prompts=(),
        pictures=(),
        provider="local",
        model="diagnostics",
        parameters={SUITE: suite},
    )
