"""What an attempt tells of its progress, and how often.

A new stage is told at once. Progress inside a stage and previews are told twice a second at most, both together: of
what comes sooner the latest is told as soon as it is time, and a preview tells the progress with it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf

from beanie import PydanticObjectId

from app.generations.events import GenerationEvent
from app.generations.journal import Journal

_EVERY_S = 0.5


@dataclass(slots=True)
class Teller:
    """One attempt's. The times are the loop's: of the latest progress or preview, stage, and turn of a preview."""

    journal: Journal
    publish: Callable[[GenerationEvent], Awaitable[None]]
    _told_s: float = -inf
    _staged_s: float = -inf
    _previewed_s: float = -inf
    _percent: int | None = None
    _preview: PydanticObjectId | None = None
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def stage(self, name: str, percent: int) -> None:
        """Say where the work stands; what was noted is written by then."""
        now_s = asyncio.get_running_loop().time()
        if name != self.journal.generation.stage:
            self._staged_s, self._percent, self._preview = now_s, None, None
        elif now_s < self._progress_at_s:
            self._percent = percent
            self._bell.set()
            if self.journal.noted:
                await self.journal.write()
            return
        else:
            self._told_s, self._percent = now_s, None
        await self.publish(await self.journal.stage(name, percent))

    def takes_preview(self) -> bool:
        """Whether a preview is worth storing now: two a second are. Who is told so has taken the turn."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._previewed_s + _EVERY_S:
            return False
        self._previewed_s = now_s
        return True

    async def preview(self, picture_id: PydanticObjectId) -> None:
        """Show a stored picture of work that is not done, or the next one in place of it."""
        self._preview = picture_id
        if asyncio.get_running_loop().time() >= self._told_s + _EVERY_S:
            await self._tell()
        else:
            self._bell.set()

    async def tell_late(self) -> None:
        """For ever: tell what came too soon after the one before."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            while (wait_s := self._wait_s()) > 0:  # noqa: ASYNC110 - what waits, and until when, may be another by then
                await asyncio.sleep(wait_s)
            await self._tell()

    @property
    def _progress_at_s(self) -> float:
        """When progress inside the stage may be told next."""
        return max(self._told_s, self._staged_s) + _EVERY_S

    def _wait_s(self) -> float:
        """How long what waits has to wait still."""
        at_s = self._progress_at_s if self._preview is None else self._told_s + _EVERY_S
        return at_s - asyncio.get_running_loop().time()

    async def _tell(self) -> None:
        """Tell what waits, if anything still does."""
        stage, percent = self.journal.generation.stage, self._percent
        preview, self._preview, self._percent = self._preview, None, None
        if preview is not None:
            self._told_s = asyncio.get_running_loop().time()
            await self.publish(await self.journal.preview(preview, percent))
        elif stage is not None and percent is not None:
            self._told_s = asyncio.get_running_loop().time()
            await self.publish(await self.journal.stage(stage, percent))
