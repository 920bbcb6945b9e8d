"""Pictures made by models: each is one step of a generation, kept as soon as it is there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from app.errors import AppError, ErrorCode
from app.generations.work import CalledModel, StepResult, Work
from app.logs import logger
from app.making.chosen import Chosen, gone
from app.making.progress import Progress
from app.making.together import all_of
from app.pictures.library import Pictures
from app.pictures.model import Picture
from app.providers.ports.image import ImageModel, ImageRequest, MadePicture, Preview
from app.providers.ports.model import Source, Stage

_log = logger(__name__)
_STORE_AGAIN_S, _STORE_AWAY_S = 1.0, 120.0

type Request = Callable[[], Awaitable[ImageRequest]]
"""Puts a request together, with the bytes of its references: as late as it can, for they are large."""


type Libraries = Callable[[], Awaitable[str]]
"""What makes pixels on this machine, with its versions: it decides which bytes are made here."""


async def _unknown() -> str:
    return ""


class Heed(Protocol):
    """Hears of pictures that are made side by side, while the others are still being made."""

    async def kept(self, name: str) -> None:
        """The step of that name has its picture, now or from an attempt before."""
        ...

    def failed(self, name: str, error: AppError) -> None:
        """The step of that name has failed in this attempt."""
        ...


@dataclass(frozen=True, slots=True)
class PictureMaker:
    """Asks the models; `models` are by the provider's name, `pictures` keeps what they make.

    `libraries` are those of this machine, `settings` names the one that sets each provider up.
    """

    pictures: Pictures
    models: Mapping[str, ImageModel]
    libraries: Libraries = _unknown
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    async def make(
        self, work: Work, name: str, request: Request, progress: Progress, by: Chosen | None = None
    ) -> StepResult:
        """One picture, made and kept; `name` is the step's. It is made `by` that model; null: by the recipe's.

        Raises:
            AppError: PROVIDER_NOT_CONFIGURED when the provider is not set up any more; those of the call and of the
                store.
        """
        recipe = work.generation.recipe
        by = by or Chosen(recipe.provider, recipe.model)
        made = await self._call(work, name, await request(), progress, by)
        await progress.storing(name)
        picture = await self._kept(work, made.data)
        made_by = await made_with(self.models[by.provider], self.libraries)
        said = {"source": made.source, "model": made.model, "applied": list(made.applied), "note": made.note}
        said["madeWith"] = made_by
        return StepResult({"pictureId": picture.identity, **said}, (picture.identity,))

    async def make_all(
        self, work: Work, requests: Mapping[str, Request], heed: Heed | None = None, begin: int = 10
    ) -> list[dict[str, Any]]:
        """A picture of each request, side by side, each a step of that name; their values in the requests' order.

        One that fails leaves the others to end, and their pictures are kept: the next attempt makes what is missing.
        `heed` hears of each as soon as it is kept or has failed. The calls are the work from `begin` percent on.

        Raises:
            AppError: of the first one that failed for good, or else of the first one that failed.
        """
        progress = Progress(work, len(requests), begin)

        async def one(name: str, request: Request) -> dict[str, Any]:
            try:
                made = await work.step(name, partial(self.make, work, name, request, progress))
            except AppError as error:
                if heed is not None:
                    heed.failed(name, error)
                raise
            if heed is not None:
                await heed.kept(name)
            return made

        return await all_of(one(name, request) for name, request in requests.items())

    async def _kept(self, work: Work, data: bytes) -> Picture:
        """Keep what is paid for: a database or a store that is away for a while must not cost another call."""
        keep = partial(work.bear, partial(self.pictures.keep, work.generation.owner_id, data))
        wait_s, until_s = _STORE_AGAIN_S, asyncio.get_running_loop().time() + _STORE_AWAY_S
        while True:
            try:
                return await keep()
            except AppError as error:
                wait_s = max(wait_s, error.retry_after_s or 0)
                is_away = error.code in {ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT} and error.retryable
                if not is_away or asyncio.get_running_loop().time() + wait_s > until_s:
                    raise
                _log.warning("store_away", code=error.code, wait_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s *= 2

    async def _preview(self, work: Work, preview: Preview) -> None:
        """Show it; the work goes on without one that can't be kept."""
        try:
            keep = partial(self.pictures.keep_preview, work.generation.owner_id, preview.data)
            picture = await work.bear(keep)
        except AppError as error:
            _log.warning("preview_not_kept", code=error.code)
            return
        await work.preview(picture.identity)

    async def _call(self, work: Work, name: str, request: ImageRequest, progress: Progress, by: Chosen) -> MadePicture:
        model = self.models.get(by.provider)
        if model is None:
            raise gone(by, self.settings)
        billable, expected = model.source is Source.PROVIDER, model.expected_usage(request)
        async with work.call(CalledModel(by.provider, by.model, billable, expected)) as call:
            made = await self._made(work, name, model, request, progress)
            call.provider_request_id, call.usage = made.provider_request_id, made.usage
            return made

    async def _made(
        self, work: Work, name: str, model: ImageModel, request: ImageRequest, progress: Progress
    ) -> MadePicture:
        async with aclosing(model.run(request)) as updates:
            async for update in updates:
                if isinstance(update, MadePicture):
                    return update
                if isinstance(update, Stage):
                    await progress.stage(name, update)
                elif work.takes_preview():
                    await self._preview(work, update)
        raise AppError(ErrorCode.NO_IMAGE_RETURNED, "The model returned no picture. Try again.", retryable=True)


async def made_with(model: ImageModel, libraries: Libraries) -> str | None:
    """All that decides which bytes that model makes of a request; null when nobody here knows it."""
    return None if model.source is Source.PROVIDER else f"{model.model}, {await libraries()}"
