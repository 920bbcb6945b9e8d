"""The image model that needs no provider: plain image processing on this machine."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from app.costs.usage import Usage
from app.pictures.pool import PicturePool
from app.providers.local.pixels import decode, encode
from app.providers.local.preview import preview
from app.providers.local.understood import Understood
from app.providers.mock.image import MockImageModel
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Source, Stage

_AT_ONCE = 2  # a 12-megapixel picture takes some 200 MB while it is worked on


@dataclass(frozen=True, slots=True)
class LocalImageModel:
    """Cuts objects out, changes backgrounds and adjusts colours; implements `ImageModel`.

    What local processing can't do, a new scene of several pictures, `placeholders` makes, labelled as such.

    The work runs in the threads of `pool`, two pictures at a time. A cancelled call ends at once; the thread finishes
    the step it is in (under a second) and its result is dropped. The same request gives the same bytes.
    """

    pool: PicturePool = field(default_factory=PicturePool, repr=False, compare=False)
    placeholders: ImageModel = field(
        default_factory=lambda: MockImageModel("GOOGLE_API_KEY"), repr=False, compare=False
    )
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE), repr=False, compare=False)

    @property
    def name(self) -> str:
        """`local`."""
        return "local"

    @property
    def model(self) -> str:
        """The processing's name and the placeholders'; a number rises when results change."""
        return f"basic-processing-1+{self.placeholders.model}"

    @property
    def source(self) -> Source:
        """Basic processing on this machine."""
        return Source.LOCAL

    def expected_usage(self, request: ImageRequest) -> Usage:  # noqa: ARG002 - whatever it is
        """Nothing."""
        return {}

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        """Yield stages, a preview once the object is cut out, then the picture.

        Raises:
            AppError: BAD_USER_INPUT for an unknown background colour or a picture in which no object stands
                out, SOURCE_IMAGE_MISSING without a readable picture. None is retryable.
        """
        if request.task is ImageTask.COMPOSE:
            async with aclosing(self.placeholders.run(request)) as updates:
                async for update in updates:
                    yield update
            return
        understood = Understood.of(request)
        async with self.slots:
            yield Stage("reading the picture", 5)
            source = request.references[0]
            colours, transparency = await self.pool.work(partial(decode, source.data))
            if understood.is_idle:
                yield MadePicture(source.data, source.media_type, self.source, self.model, (), understood.note(None))
                return
            yield Stage("cutting out", 20)
            cutout = await self.pool.work(partial(understood.cut, colours, transparency))
            behind = await self.pool.work(partial(understood.behind, *colours.shape[:2]))
            yield await self.pool.work(partial(preview, colours, transparency, cutout, behind))
            yield Stage("applying the wishes", 50)
            await self.pool.work(partial(understood.change, colours, cutout, behind))
            yield Stage("saving the picture", 80)
            kept = transparency if behind is None else None
            data, media_type = await self.pool.work(partial(encode, colours, kept))
        yield MadePicture(data, media_type, self.source, self.model, understood.applied, understood.note(cutout))
