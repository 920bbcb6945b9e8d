"""Moves many pictures, a few at once, and goes on where an earlier run was interrupted."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from pymongo.errors import PyMongoError

from app.errors import AppError, ErrorCode, first_cause
from app.pictures import moves
from app.pictures.model import Picture
from app.pictures.moves import Outcome
from app.pictures.store import PictureStore
from app.pictures.stores import Stores

_AT_ONCE = 4  # each holds its picture in memory, twice while it compares
_PAGE = 100
_IN_A_ROW = 5


@dataclass(slots=True)
class Tally:
    """What a run has done; `failures` are sentences, `stopped` is why it gave up, null when it did not."""

    moved: int = 0
    bytes: int = 0
    overtaken: int = 0
    failures: list[str] = field(default_factory=list[str])
    stopped: str | None = None
    _in_a_row: int = 0

    def took(self, picture: Picture, outcome: Outcome) -> None:
        """Note what became of one."""
        self._in_a_row = 0
        if outcome is Outcome.MOVED:
            self.moved += 1
            self.bytes += picture.byte_size
        else:
            self.overtaken += 1

    def failed(self, picture: Picture, error: AppError) -> None:
        """Note one that stays; nothing is tried against a store that is away or refuses us."""
        self.failures.append(f"{picture.identity} stays: {error.message}")
        self._in_a_row = self._in_a_row + 1 if error.retryable else 0
        if error.code is ErrorCode.PROVIDER_REJECTED_KEY or self._in_a_row >= _IN_A_ROW:
            self.stopped = error.message


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves pictures from one store to another, those that are there longest first; `say` hears how it stands."""

    stores: Stores
    source: PictureStore
    target: PictureStore
    say: Callable[[Tally], None]

    async def run(self, limit: int | None) -> Tally:
        """Move so many, or all; pictures that come in meanwhile included, those that can't be moved left out."""
        tally, after = Tally(), None
        while tally.stopped is None and (limit is None or tally.moved < limit):
            wanted = _PAGE if limit is None else min(_PAGE, limit - tally.moved)
            page = await moves.of_store(self.source.name, after, wanted)
            if not page:
                break
            after = page[-1].identity
            await self._take(page, tally)
            self.say(tally)
        return tally

    async def _take(self, page: list[Picture], tally: Tally) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for picture in page:
                    group.create_task(self._move(picture, slots, tally))
        except* PyMongoError as lost:
            raise first_cause(lost) from None

    async def _move(self, picture: Picture, slots: asyncio.Semaphore, tally: Tally) -> None:
        async with slots:
            if tally.stopped is not None:
                return
            try:
                tally.took(picture, await moves.move(self.stores, picture, self.target))
            except AppError as error:
                tally.failed(picture, error)
