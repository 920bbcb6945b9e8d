"""A dream followed live: what is told is always what the database says, an event only makes it be read again.

The narrative that is being written comes with the events themselves: nobody reads the database for a few more words.
"""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.database.absence import Absence
from app.dreams.model import Dream
from app.generations.events import EventType, GenerationEvent
from app.generations.followers import Follower, News
from app.generations.model import Generation
from app.generations.ports import EventHub

_AWAY_S = 60


class DreamNews(NamedTuple):
    """How a dream stands, and the narrative as far as it is written; null while none is being written."""

    dream: Dream
    narrative: str | None = None


async def wake(hub: EventHub, owner_id: PydanticObjectId, dream_ids: Iterable[PydanticObjectId]) -> None:
    """Let everybody who follows these dreams look at them: they were changed, and no generation tells of it."""
    for dream_id in dream_ids:
        await hub.publish(owner_id, dream_id, GenerationEvent.hint())


async def updates(hub: EventHub, owner_id: PydanticObjectId, dream_id: PydanticObjectId) -> AsyncGenerator[DreamNews]:
    """How it stands, then each change, by work or by its owner; ends when the dream is gone."""
    async with hub.follow(owner_id, None) as follower:
        desk = _Desk(follower, dream_id)
        told = await desk.look()
        if told is None:
            return
        yield told
        async for news in follower.news():
            if (text := desk.narrative(news, told)) is not None:
                told = told._replace(narrative=text)
                yield told
            elif desk.is_reason(news, told):
                now = await desk.look()
                if now is None:
                    return
                if _version_of(now.dream) != _version_of(told.dream):
                    told = now
                    yield told


@dataclass(slots=True)
class _Desk:
    """Looks things up for one follower of one dream."""

    follower: Follower
    dream_id: PydanticObjectId

    async def look(self) -> DreamNews | None:
        """As it stands now; a database that is away is waited for. Null when the dream is gone."""
        absence = Absence(_AWAY_S)
        while True:
            try:
                dream = await Dream.get(self.dream_id)
                return None if dream is None else DreamNews(dream, await self._narrative_of(dream))
            except PyMongoError as error:
                await absence.bear(error)

    def narrative(self, news: News | None, told: DreamNews) -> str | None:
        """The narrative that an event brings; null for any other."""
        if news is None or news.event.type is not EventType.TEXT or not told.dream.is_made_by(news.generation_id):
            return None
        self._saw(news)
        return news.event.text

    def is_reason(self, news: News | None, told: DreamNews) -> bool:
        """Whether the dream may stand otherwise now: by work, old or new, by its owner, or by what was missed."""
        if news is None:
            return True
        self._saw(news)
        its = news.generation_id in {told.dream.generation_id, self.dream_id}
        return its or news.event.type is EventType.QUEUED

    def _saw(self, news: News) -> None:
        seen = self.follower.seen
        seen[news.generation_id] = max(news.event.sequence, seen.get(news.generation_id, 0))

    async def _narrative_of(self, dream: Dream) -> str | None:
        """What was written so far by the work that is under way, before its interpretation is there."""
        if dream.making is None or dream.interpretation is not None:
            return None
        events, _ = await Generation.past(dream.making.generation_id, 0)
        texts = [event.text for event in events if event.type is EventType.TEXT]
        return texts[-1] if texts else None


def _version_of(dream: Dream) -> tuple[int, datetime | None]:
    """Another one for each change that is seen; the trash leaves the revision as it is."""
    return dream.revision, dream.trashed_at
