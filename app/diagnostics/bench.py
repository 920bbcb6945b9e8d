"""What a test has at hand: the work that it is a step of, and the paper on which it notes what it does."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from beanie import PydanticObjectId

from app.diagnostics.suites import Probe
from app.generations.work import Work
from app.making.progress import Progress
from app.pictures.library import Pictures
from app.pictures.model import Picture
from app.pictures.sample import sample_picture
from app.providers.ports.model import Reference, Stage


@dataclass(slots=True)
class TitledProgress(Progress):
    """Progress whose stages all have the test's title, whatever the model calls them."""

    title: str = ""

    async def stage(self, name: str, stage: Stage) -> None:
        """The call of that name has come so far."""
        await Progress.stage(self, name, Stage(self.title, stage.percent))

    async def storing(self, name: str) -> None:
        """The call of that name is done."""
        await self.stage(name, Stage(self.title, 100))


@dataclass(slots=True)
class Bench:
    """One test's: `begin` and `end` are its part of the work, in percent.

    `request` and `response` are noted call by call, under a name of the call, as soon as they are known.
    """

    work: Work
    pictures: Pictures
    probe: Probe
    begin: int
    end: int
    request: dict[str, Any] = field(default_factory=dict[str, Any])
    response: dict[str, Any] = field(default_factory=dict[str, Any])
    inputs: list[PydanticObjectId] = field(default_factory=list[PydanticObjectId])
    outputs: list[PydanticObjectId] = field(default_factory=list[PydanticObjectId])

    @property
    def owner_id(self) -> PydanticObjectId:
        """Whose run it is."""
        return self.work.generation.owner_id

    def progress(self) -> TitledProgress:
        """That of a call to a model."""
        return TitledProgress(self.work, begin=self.begin, end=self.end, title=self.probe.title)

    async def at_work(self) -> None:
        """Tell that it is at work; what was noted of a call is written by then."""
        await self.work.stage(self.probe.title, self.begin)

    async def reached(self, part: float) -> None:
        """Tell that so much of it is done; `part` is from 0 to 1."""
        await self.work.stage(self.probe.title, self.begin + round(part * (self.end - self.begin)))

    async def takes_sample(self) -> Picture:
        """Keep the sample picture, which goes in.

        Raises:
            AppError: those of the store.
        """
        picture = await self._keep(await asyncio.to_thread(sample_picture))
        self.inputs.append(picture.identity)
        return picture

    async def makes(self, data: bytes) -> Picture:
        """Keep a picture that came out.

        Raises:
            AppError: NO_IMAGE_RETURNED when the bytes are none; those of the store.
        """
        picture = await self._keep(data)
        self.outputs.append(picture.identity)
        return picture

    async def _keep(self, data: bytes) -> Picture:
        return await self.work.bear(partial(self.pictures.keep, self.owner_id, data))


async def reference_of(bench: Bench, picture: Picture) -> Reference:
    """A stored picture, read back, as a model gets it.

    Raises:
        AppError: those of the store.
    """
    return Reference(await bench.pictures.read(picture), picture.media_type)


def told(picture: Picture) -> Mapping[str, Any]:
    """What is noted of a picture: its size and type, never its bytes."""
    return {
        "mediaType": picture.media_type,
        "bytes": picture.byte_size,
        "width": picture.width,
        "height": picture.height,
        "sha256": picture.sha256,
    }
