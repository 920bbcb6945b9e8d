"""A dream followed live: what is told is always what the database says, an event only makes it be read again.

The narrative that is being written comes with the events themselves: nobody reads the database for a few more words.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.database.absence import Absence
from app.dreams.model import Dream
from app.generations.desks import Foretell, Foretold, RelayTo, Turns
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


async def updates(
    hub: EventHub, owner_id: PydanticObjectId, dream_id: PydanticObjectId, relay: RelayTo["Desk"] | None = None
) -> AsyncGenerator[DreamNews]:
    """How it stands, then each change, by work or by its owner; ends when the dream is gone.

    What the relay tells is left out.
    """
    async with hub.follow(owner_id, None) as follower:
        now = await _look(dream_id)
        if now is None:
            return
        desk = Desk(follower, now)
        if relay is not None:
            follower.relay = partial(_relayed, desk, relay)
        yield now
        async for news in follower.news():
            for told in await desk.read(news):
                yield told
            if desk.is_over:
                return


@dataclass(slots=True)
class Desk:
    """One follower's of one dream; `told` is what it was told last."""

    follower: Follower
    told: DreamNews
    turns: Turns[DreamNews] = field(default_factory=Turns[DreamNews])
    is_over: bool = False

    @property
    def dream_id(self) -> PydanticObjectId:
        """The dream's."""
        return self.told.dream.identity

    async def read(self, news: News | None) -> list[DreamNews]:
        """What a piece of news means for the dream; null: something was missed."""
        owed = self.turns.begin()
        now = await _look(self.dream_id) if self.wants_look(news) else None
        foretold = self.foretell(news, now)
        foretold.note()
        self.is_over = foretold.is_over
        return [*owed, *foretold.told]

    def wants_look(self, news: News | None) -> bool:
        """Whether the dream may stand otherwise now: by work, old or new, by its owner, or by what was missed."""
        if news is None:
            return True
        if self._is_narrative(news):
            return False
        its = news.generation_id in {self.told.dream.generation_id, self.dream_id}
        return its or news.event.type is EventType.QUEUED

    def foretell(self, news: News | None, now: DreamNews | None) -> Foretold[DreamNews]:
        """What the news are to tell, by how the dream stands where that was wanted; null: it is gone."""
        if news is not None and self._is_narrative(news):
            told = self.told._replace(narrative=news.event.text)
            return Foretold([told], partial(self._note, news, told))
        if not self.wants_look(news):
            return Foretold(note=partial(self._note, news, self.told))
        if now is None:
            return Foretold(is_over=True)
        is_other = _version_of(now.dream) != _version_of(self.told.dream)
        return Foretold([now] if is_other else [], partial(self._note, news, now if is_other else self.told))

    def _is_narrative(self, news: News) -> bool:
        """Whether it brings the narrative, as far as it is written."""
        event = news.event
        is_text = event.type is EventType.TEXT and event.text is not None
        return is_text and self.told.dream.is_made_by(news.generation_id)

    def _note(self, news: News | None, told: DreamNews) -> None:
        self.told = told
        if news is not None:
            seen = self.follower.seen
            seen[news.generation_id] = max(news.event.sequence, seen.get(news.generation_id, 0))


async def foretelling(news: News, desks: Sequence[Desk]) -> Foretell[Desk, DreamNews]:
    """What the news means to each of some desks of one dream, by one look for all of them."""
    now = await _look(desks[0].dream_id) if any(one.wants_look(news) for one in desks) else None
    return lambda desk: desk.foretell(news, now)


def _relayed(desk: Desk, relay: RelayTo[Desk], _: Follower, news: News) -> bool:
    return relay(desk, news)


async def _look(dream_id: PydanticObjectId) -> DreamNews | None:
    """As it stands now; a database that is away is waited for. Null when the dream is gone."""
    absence = Absence(_AWAY_S)
    while True:
        try:
            dream = await Dream.get(dream_id)
            return None if dream is None else DreamNews(dream, await _narrative_of(dream))
        except PyMongoError as error:
            await absence.bear(error)


async def _narrative_of(dream: Dream) -> str | None:
    """What was written so far by the work that is under way, before its interpretation is there."""
    if dream.making is None or dream.interpretation is not None:
        return None
    events, _ = await Generation.past(dream.making.generation_id, 0)
    texts = [event.text for event in events if event.type is EventType.TEXT]
    return texts[-1] if texts else None


def _version_of(dream: Dream) -> tuple[int, datetime | None]:
    """Another one for each change that is seen; the trash leaves the revision as it is."""
    return dream.revision, dream.trashed_at
