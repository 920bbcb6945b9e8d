"""The same recipe once more: a sibling of what it made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode, not_found
from app.generations.model import Generation, Status
from app.generations.recipe import Recipe
from app.generations.service import Generations
from app.ornaments.service import GENERATION_KIND
from app.ornaments.sources import require_sources
from app.providers.ports.image import ImageModel
from app.providers.ports.model import Source

_PATH = ("input", "generationId")


class Replay(NamedTuple):
    """The new generation; `deterministic`: its picture will be the same, byte for byte."""

    generation: Generation
    deterministic: bool


@dataclass(frozen=True, slots=True)
class Replays:
    """Starts generations of ornament images again; `makers` are by the provider's name."""

    generations: Generations
    makers: Mapping[str, ImageModel]

    async def replay(
        self,
        owner_id: PydanticObjectId,
        generation_id: PydanticObjectId,
        key: str | None,
        asked: str | None = None,
    ) -> Replay:
        """Start it again by its whole recipe: the same provider and model, whatever new work is given to.

        What is made on this server, by the same model as before, is the same again; a provider promises nothing.
        `asked` is as for `Generations.start`.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for another's; CONFLICT when it has not succeeded, its parent is in the
                trash, or the key was used before; SOURCE_IMAGE_MISSING; PROVIDER_NOT_CONFIGURED; RATE_LIMITED;
                QUOTA_EXCEEDED.
        """
        if known := await self.generations.known(owner_id, key, asked):
            return self._promised(known)
        recipe = (await self._succeeded(owner_id, generation_id)).recipe
        if recipe.provider not in self.makers:
            message = f"This was made by the provider “{recipe.provider}”, which is no longer set up."
            raise AppError(ErrorCode.PROVIDER_NOT_CONFIGURED, message, path=_PATH)
        await require_sources(recipe, *_PATH)
        return self._promised(await self.generations.start(owner_id, GENERATION_KIND, recipe, key, asked=asked))

    def _promised(self, started: Generation) -> Replay:
        model = self.makers.get(started.recipe.provider)
        return Replay(started, model is not None and is_deterministic(model, started.recipe))

    async def _succeeded(self, owner_id: PydanticObjectId, generation_id: PydanticObjectId) -> Generation:
        generation = (await Generation.without_events([generation_id])).get(generation_id)
        if generation is None:
            raise not_found("This generation", *_PATH)
        if generation.owner_id != owner_id:
            raise AppError(ErrorCode.FORBIDDEN, "This generation belongs to somebody else.", path=_PATH)
        if generation.kind != GENERATION_KIND:
            raise AppError(ErrorCode.CONFLICT, "Only what made an image can be replayed.", path=_PATH)
        if generation.status is not Status.SUCCEEDED:
            message = "It has not succeeded; `retryGeneration` starts again what failed or was cancelled."
            raise AppError(ErrorCode.CONFLICT, message, path=_PATH)
        return generation


def is_deterministic(model: ImageModel, recipe: Recipe) -> bool:
    """Whether that model makes the same bytes of the recipe that it was made with."""
    return model.source in {Source.LOCAL, Source.MOCK} and model.model == recipe.model
