"""What the local image model does, step by step."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial

from app.pictures.pool import PicturePool
from app.providers.local.pixels import decode, encode
from app.providers.local.preview import preview
from app.providers.local.understood import Understood
from app.providers.ports.image import ImageRequest, MadePicture, Preview
from app.providers.ports.model import Source, Stage


@dataclass(frozen=True, slots=True)
class Processing:
    """Works in the threads of `pool`, on one picture for each of the `slots`; `model` is what made it."""

    pool: PicturePool
    slots: asyncio.Semaphore
    model: str

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        """As `LocalImageModel.run`."""
        understood = Understood.of(request)
        async with self.slots:
            yield Stage("reading the picture", 5)
            source = request.references[0]
            colours, transparency = await self.pool.work(partial(decode, source.data))
            if understood.is_idle:
                yield MadePicture(source.data, source.media_type, Source.LOCAL, self.model, (), understood.note(None))
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
        yield MadePicture(data, media_type, Source.LOCAL, self.model, understood.applied, understood.note(cutout))
