"""Placeholder pictures, for when no provider is configured."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from functools import partial

from app.costs.usage import Usage
from app.pictures.pool import PicturePool
from app.providers.mock.painting import encode, paint, previews
from app.providers.ports.image import ImageRequest, MadePicture, Preview
from app.providers.ports.model import Source, Stage

_AT_ONCE = 2  # each takes a whole core


@dataclass(frozen=True, slots=True)
class MockImageModel:
    """Composes a picture of a prompt's words: its colours, its moods, what it names; implements `ImageModel`.

    `setting` is the one that makes real pictures. The work runs in the threads of `pool`, two pictures at a
    time. A cancelled call ends at once; the thread finishes the step it is in (under half a second) and its result is
    dropped. The same request gives the same bytes.
    """

    setting: str = "OPENAI_API_KEY"
    pool: PicturePool = field(default_factory=PicturePool, repr=False, compare=False)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE), repr=False, compare=False)

    @property
    def name(self) -> str:
        """`mock`."""
        return "mock"

    @property
    def model(self) -> str:
        """The composition's name; its number rises when results change."""
        return "placeholder-1"

    @property
    def source(self) -> Source:
        """A placeholder."""
        return Source.MOCK

    def expected_usage(self, request: ImageRequest) -> Usage:  # noqa: ARG002 - whatever it is
        """Nothing."""
        return {}

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        """Yield stages, the previews that are wanted, then the picture: a WEBP of 1024 x 1024 pixels.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when a reference can't be read; not retryable.
        """
        async with self.slots:
            yield Stage("composing a placeholder", 5)
            picture = await self.pool.work(partial(paint, request))
            if request.previews > 0:
                yield Stage("drawing", 40)
                for look in await self.pool.work(partial(previews, picture, request.previews)):
                    yield Preview(*look)
            yield Stage("saving the picture", 90)
            data, media_type = await self.pool.work(partial(encode, picture))
        note = (
            f"A placeholder, composed of the prompt's words; no AI model made it. Set {self.setting} for real pictures."
        )
        yield MadePicture(data, media_type, self.source, self.model, note=note)
