"""How the items of a batch stand, now and live.

What is told is always what the database says: an event of a generation, or one that was missed, only makes it be read
again. While items are still being started or cancelled nothing tells of that, and it is read again every second.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.batches.model import Batch, BatchItem
from app.database.absence import Absence
from app.generations.attempts import Call, Failure
from app.generations.events import EventType
from app.generations.followers import Follower, News
from app.generations.model import Generation, Standing, Status
from app.generations.ports import EventHub

_WHILE_UNSETTLED_S = 1.0
_AWAY_S = 60
_TELLING = frozenset({EventType.STARTED, EventType.SUCCEEDED, EventType.FAILED, EventType.CANCELLED})
"""What changes the status of a generation that is there."""


class ItemStanding(NamedTuple):
    """How one item stands; QUEUED, FAILED and CANCELLED are also said of what has no generation."""

    status: Status
    failure: Failure | None = None
    calls: tuple[Call, ...] = ()


class Progress(NamedTuple):
    """A batch, how its items stand, and the places of those whose status is new."""

    batch: Batch
    standing: list[ItemStanding]
    changed: list[int]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen in it by itself."""
        return self.batch.settled and all(one.status.ended for one in self.standing)


async def standing_of(batch: Batch) -> list[ItemStanding]:
    """How each item stands, in their order; one read."""
    ids = batch.generation_ids
    found = await Generation.standing(ids) if ids else {}
    return [stands(item, found.get(item.generation_id) if item.generation_id else None) for item in batch.items]


def stands(item: BatchItem, generation: Standing | None) -> ItemStanding:
    """How an item stands, by its generation (null: it has none, or that is gone)."""
    if generation is not None:
        return ItemStanding(generation.status, generation.failure, generation.calls)
    if item.failure is not None:
        return ItemStanding(Status.FAILED, item.failure)
    return ItemStanding(Status.QUEUED if item.waits else Status.CANCELLED)


async def progress(hub: EventHub, batch: Batch) -> AsyncGenerator[Progress]:
    """How it stands, and then whenever the status of an item changes, until all of it has ended."""
    async with hub.follow(batch.owner_id, None) as follower, _hints(follower) as hints:
        told: list[Status] = [Status.QUEUED] * len(batch.items)
        is_first = True
        while True:
            now = await _read(follower, batch.identity, told)
            if now is None:
                return
            if is_first or now.changed or now.is_over:
                yield now
            if now.is_over:
                return
            is_first, told = False, [one.status for one in now.standing]
            await hints.next(now.batch)


async def _read(follower: Follower, batch_id: PydanticObjectId, told: list[Status]) -> Progress | None:
    """As it stands now; a database that is away is waited for. Null when the batch is gone."""
    absence = Absence(_AWAY_S)
    while True:
        try:
            batch = (await Batch.by_ids([batch_id])).get(batch_id)
            if batch is None:
                return None
            found = await Generation.standing(batch.generation_ids) if batch.generation_ids else {}
        except PyMongoError as error:
            await absence.bear(error)
            continue
        for generation_id, generation in found.items():
            follower.seen[generation_id] = max(generation.sequence, follower.seen.get(generation_id, 0))
        standing = [stands(item, found.get(item.generation_id or batch_id)) for item in batch.items]
        changed = [place for place, one in enumerate(standing) if one.status is not told[place]]
        return Progress(batch, standing, changed)


class _Hints:
    """Waits for a reason to look again."""

    def __init__(self, follower: Follower) -> None:
        self._follower, self._news = follower, follower.news()
        self._waiting: asyncio.Task[News | None] | None = None

    async def next(self, batch: Batch) -> None:
        """Return when the batch may stand otherwise than it did."""
        ids = set(batch.generation_ids)
        again_s = asyncio.get_running_loop().time() + _WHILE_UNSETTLED_S
        while True:
            self._waiting = self._waiting or asyncio.create_task(_next(self._news))
            left_s = None if batch.settled else max(0.0, again_s - asyncio.get_running_loop().time())
            done, _ = await asyncio.wait((self._waiting,), timeout=left_s)
            if not done:
                return
            news, self._waiting = self._waiting.result(), None
            if news is None or (self._is_new(news) and news.generation_id in ids and news.event.type in _TELLING):
                return

    def _is_new(self, news: News) -> bool:
        """Whether it is later than what was read."""
        seen = self._follower.seen.get(news.generation_id, 0)
        self._follower.seen[news.generation_id] = max(seen, news.event.sequence)
        return news.event.sequence > seen

    async def close(self) -> None:
        """Wait no more."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait((self._waiting,))


@asynccontextmanager
async def _hints(follower: Follower) -> AsyncGenerator[_Hints]:
    hints = _Hints(follower)
    try:
        yield hints
    finally:
        await hints.close()


async def _next(news: AsyncIterator[News | None]) -> News | None:
    return await anext(news)
