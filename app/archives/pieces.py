"""How far work on many pieces has come."""

from dataclasses import dataclass
from typing import Final

from app.generations.work import Work

_STEPS: Final = 40
"""However many pieces there are: an event is kept with its generation."""


@dataclass(slots=True)
class Pieces:
    """Tells of `count` pieces, which are the work from `begin` to `end` percent."""

    work: Work
    stage: str
    count: int
    begin: int
    end: int
    _told: int | None = None

    async def done(self, number: int) -> None:
        """So many are done."""
        step = _STEPS * number // self.count
        if step != self._told:
            self._told = step
            await self.work.stage(self.stage, self.begin + (self.end - self.begin) * step // _STEPS)
