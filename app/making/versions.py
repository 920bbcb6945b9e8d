"""What a generation of one version does: one call to a model, one picture kept, one version written."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.generations.work import Work
from app.lineage.wishes import combined
from app.making.pictures import PictureMaker
from app.making.progress import Progress
from app.pictures.model import Picture
from app.providers.ports.end_user import end_user
from app.providers.ports.image import ImageRequest, ImageTask
from app.providers.ports.model import Reference

_PREPARED = 5  # percent of the work
_PREVIEWS = 2


@dataclass(frozen=True, slots=True)
class VersionJob:
    """Makes the picture of a recipe; what is written of it is its product's."""

    maker: PictureMaker

    async def run(self, work: Work) -> None:
        """One step: `picture`."""
        make = partial(self.maker.make, work, "picture", partial(self._prepared, work), Progress(work))
        await work.step("picture", make, is_last=True)

    async def _prepared(self, work: Work) -> ImageRequest:
        await work.stage("preparing", _PREPARED)
        return await work.bear(partial(self._request, work.generation))

    async def _request(self, generation: Generation) -> ImageRequest:
        recipe = generation.recipe
        found = await Picture.by_ids([item.picture_id for item in recipe.pictures])
        if len(found) < len({item.picture_id for item in recipe.pictures}):
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "A photo this is made from is gone; upload it again.")
        pictures = [found[item.picture_id] for item in recipe.pictures]
        read = self.maker.pictures.read
        references = [Reference(await read(item), item.media_type) for item in pictures]
        return request_of(recipe, references, generation.owner_id)


def request_of(recipe: Recipe, references: Sequence[Reference], owner_id: PydanticObjectId) -> ImageRequest:
    """What the model is asked for; the picture of a further version shows the wishes before its own already."""
    task = ImageTask(recipe.task)
    return ImageRequest(
        task=task,
        prompt=combined(*recipe.prompts),
        references=tuple(references),
        wishes=recipe.prompts[1:] if recipe.parent_id is None else recipe.prompts[-1:],
        background=recipe.parameters.get("background") if task is ImageTask.REPLACE_BACKGROUND else None,
        model=recipe.model,
        previews=_PREVIEWS,
        end_user=end_user(owner_id),
    )
