"""The same recipe once more: a sibling of what it made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from beanie import PydanticObjectId

from app.access import require_own
from app.errors import AppError, ErrorCode
from app.generations.model import Generation, Status
from app.generations.service import Generations
from app.lineage.sources import require_sources
from app.making.pictures import Libraries, made_with
from app.ornaments.model import OrnamentImage
from app.ornaments.service import GENERATION_KIND
from app.providers.ports.image import ImageModel

_PATH = ("input", "generationId")


class Replay(NamedTuple):
    """The new generation; `deterministic`: its picture will be the same, byte for byte."""

    generation: Generation
    deterministic: bool


@dataclass(frozen=True, slots=True)
class Replays:
    """Starts generations of ornament images again; `makers` are by the provider's name, `libraries` as they make them.

    See `PictureMaker`.
    """

    generations: Generations
    makers: Mapping[str, ImageModel]
    libraries: Libraries

    async def replay(
        self,
        owner_id: PydanticObjectId,
        generation_id: PydanticObjectId,
        key: str | None,
        asked: str | None = None,
    ) -> Replay:
        """Start it again by its whole recipe: the same provider and model, whatever new work is given to.

        `asked` is as for `Generations.start`.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for another's; CONFLICT when it has not succeeded, its parent is in the
                trash, or the key was used before; SOURCE_IMAGE_MISSING; PROVIDER_NOT_CONFIGURED; RATE_LIMITED;
                QUOTA_EXCEEDED.
        """
        known = await self.generations.known(owner_id, key, asked)
        made = (await Generation.without_events([generation_id])).get(generation_id)
        if known is None:
            recipe = _of_success(owner_id, made).recipe
            if recipe.provider not in self.makers:
                message = f"This was made by the provider “{recipe.provider}”, which is no longer set up."
                raise AppError(ErrorCode.PROVIDER_NOT_CONFIGURED, message, path=_PATH)
            await require_sources(OrnamentImage, recipe, *_PATH)
            known = await self.generations.start(owner_id, GENERATION_KIND, recipe, key, asked=asked)
        before = made.steps.get("picture", {}).get("madeWith") if made else None
        return Replay(known, await self.is_deterministic(known.recipe.provider, before))

    async def is_deterministic(self, provider: str, before: str | None) -> bool:
        """Whether what that provider has made of a recipe with `before` it makes again, byte for byte.

        Null is of what was made before that was recorded.
        """
        model = self.makers.get(provider)
        return model is not None and before is not None and before == await made_with(model, self.libraries)


def _of_success(owner_id: PydanticObjectId, generation: Generation | None) -> Generation:
    """That generation, if it is the owner's and has made an image.

    Raises:
        AppError: NOT_FOUND, FORBIDDEN, CONFLICT.
    """
    generation = require_own(owner_id, generation, "This generation", *_PATH)
    if generation.kind != GENERATION_KIND:
        raise AppError(ErrorCode.CONFLICT, "Only what made an image can be replayed.", path=_PATH)
    if generation.status is not Status.SUCCEEDED:
        message = "It has not succeeded; `retryGeneration` starts again what failed or was cancelled."
        raise AppError(ErrorCode.CONFLICT, message, path=_PATH)
    if not generation.recipe.prompts:
        raise AppError(ErrorCode.CONFLICT, "What it made was deleted for ever, and its recipe with it.", path=_PATH)
    return generation
