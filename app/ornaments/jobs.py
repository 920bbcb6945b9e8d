"""What a generation of an ornament image does: one call to a model, one picture kept, one version written."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from app.errors import AppError, ErrorCode
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.generations.work import CalledModel, StepResult, Work
from app.lineage.wishes import combined
from app.ornaments.versions import write_version
from app.pictures.library import Pictures
from app.pictures.model import Picture
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Reference, Source, Stage

_MODEL_STARTS_AT, _MODEL_ENDS_AT = 10, 90


@dataclass(frozen=True, slots=True)
class OrnamentJob:
    """Makes the picture of a recipe with the model that the recipe names; `models` are by provider."""

    pictures: Pictures
    models: Mapping[str, ImageModel]
    deadline_s: float

    async def run(self, work: Work) -> None:
        """One step: `picture`."""
        await work.step("picture", partial(self._make, work), is_last=True)

    async def complete(self, generation: Generation) -> None:
        """Write the version under its pre-allocated id."""
        await write_version(generation)

    async def _make(self, work: Work) -> StepResult:
        await work.stage("preparing", _MODEL_STARTS_AT // 2)
        request = await work.bear(partial(self._request, work.generation.recipe))
        made = await self._call(work, request)
        await work.stage("storing", _MODEL_ENDS_AT)
        # it is paid for: a database that is away for a moment must not cost another call
        picture = await work.bear(partial(self.pictures.keep, work.generation.owner_id, made.data))
        said = {"source": made.source, "applied": list(made.applied), "note": made.note}
        return StepResult({"pictureId": picture.identity, **said}, (picture.identity,))

    async def _request(self, recipe: Recipe) -> ImageRequest:
        found = await Picture.by_ids([item.picture_id for item in recipe.pictures])
        if len(found) < len(recipe.pictures):
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "The photo this is made from is gone; upload it again.")
        pictures = [found[item.picture_id] for item in recipe.pictures]
        task = ImageTask(recipe.task)
        return ImageRequest(
            task=task,
            prompt=combined(*recipe.prompts),
            references=tuple([Reference(await self.pictures.read(item), item.media_type) for item in pictures]),
            wishes=recipe.prompts[-1:] if task is ImageTask.ADJUST else recipe.prompts[1:],
            background=recipe.parameters["background"] if task is ImageTask.REPLACE_BACKGROUND else None,
            model=recipe.model,
        )

    async def _call(self, work: Work, request: ImageRequest) -> MadePicture:
        recipe = work.generation.recipe
        model = self.models.get(recipe.provider)
        if model is None:
            raise AppError(
                ErrorCode.PROVIDER_NOT_CONFIGURED,
                f"This was started with the provider “{recipe.provider}”, which is no longer set up.",
            )
        called = CalledModel(recipe.provider, recipe.model, billable=model.source is Source.PROVIDER)
        async with work.call(called) as call:
            made = await self._within_deadline(work, model, request)
            call.provider_request_id = made.provider_request_id
            return made

    async def _within_deadline(self, work: Work, model: ImageModel, request: ImageRequest) -> MadePicture:
        try:
            async with asyncio.timeout(None) as deadline, aclosing(model.run(request)) as updates:
                async for update in updates:
                    if deadline.when() is None:  # it has begun: what waits for its turn has no deadline
                        deadline.reschedule(asyncio.get_running_loop().time() + self.deadline_s)
                    if isinstance(update, MadePicture):
                        return update
                    await self._show(work, update)
        except TimeoutError as error:
            message = f"The model did not answer within {self.deadline_s:g} seconds. Try again."
            raise AppError(ErrorCode.TIMEOUT, message, retryable=True) from error
        raise AppError(ErrorCode.NO_IMAGE_RETURNED, "The model returned no picture. Try again.", retryable=True)

    async def _show(self, work: Work, update: Stage | Preview) -> None:
        if isinstance(update, Stage):
            await work.stage(update.name, _percent(update))
        elif work.may_preview:
            picture = await work.bear(partial(self.pictures.keep_preview, work.generation.owner_id, update.data))
            await work.preview(picture.identity)


def _percent(stage: Stage) -> int:
    return _MODEL_STARTS_AT + stage.percent * (_MODEL_ENDS_AT - _MODEL_STARTS_AT) // 100
