"""The image model that needs no provider: plain image processing on this machine."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.costs.usage import Usage
from app.pictures.pool import PicturePool
from app.providers.mock.image import MockImageModel
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Source, Stage

if TYPE_CHECKING:
    from app.providers.local.processing import Processing

_AT_ONCE = 2  # a 12-megapixel picture takes some 200 MB while it is worked on


@dataclass(frozen=True, slots=True)
class LocalImageModel:
    """Cuts objects out, changes backgrounds and adjusts colours; implements `ImageModel`.

    What local processing can't do, a new scene of several pictures, `placeholders` makes, labelled as such.

    The work runs in the threads of `pool`, two pictures at a time. A cancelled call ends at once; the thread finishes
    the step it is in (under a second) and its result is dropped. The same request gives the same bytes.

    OpenCV and NumPy are imported in such a thread too, with the first request: they take 50 MB.
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
        run = self.placeholders.run if request.task is ImageTask.COMPOSE else (await self._processing()).run
        async with aclosing(run(request)) as updates:
            async for update in updates:
                yield update

    async def _processing(self) -> "Processing":
        kind = await self.pool.work(_imported)
        return kind(self.pool, self.slots, self.model)


def _imported() -> "type[Processing]":
    from app.providers.local.processing import Processing  # noqa: PLC0415 - see `LocalImageModel`

    return Processing
