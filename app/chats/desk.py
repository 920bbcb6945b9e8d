"""What one follower of a chat knows of it, and what news mean to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

from beanie import PydanticObjectId

from app.chats.exchange import AnswerStatus, Exchange
from app.chats.looking import Look, Sight, found, look, look_at_chat, when_there
from app.chats.model import Chat
from app.chats.news import ChatNews, ChatNewsType, Happening, snapshots
from app.chats.works import Works
from app.generations.desks import Foretell, Foretold, Turns
from app.generations.events import EventType, GenerationEvent
from app.generations.followers import OVERLAP, Follower, News
from app.generations.following import in_order, level, missed, standing
from app.generations.model import Generation


class Facts(NamedTuple):
    """What was read for a piece of news; null for what nobody had to know.

    `work` is the generation it is about, where that works for the chat.
    """

    work: Generation | None = None
    look: Look | None = None


class _Looked(NamedTuple):
    """What a look means to one follower."""

    told: list[ChatNews]
    chat: Chat
    exchanges: dict[PydanticObjectId, Exchange]
    note: Callable[[], None]


@dataclass(slots=True)
class Desk:
    """Looks things up for one follower of one chat.

    `exchanges` are those that are under way or were changed around the last look, as they were told. `works` are
    the generations that it knows of.
    """

    follower: Follower
    sight: Sight
    turns: Turns[ChatNews] = field(default_factory=Turns[ChatNews])
    is_over: bool = False
    exchanges: dict[PydanticObjectId, Exchange] = field(default_factory=dict[PydanticObjectId, Exchange])
    works: Works = field(init=False)
    chat: Chat = field(init=False)
    looked_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.chat, self.looked_at = self.sight.chat, self.sight.clock.now()
        self.works = Works(self.follower.seen)

    async def standing(self, since: datetime | None) -> list[ChatNews]:
        """What is under way or changed since then, in the order of the latest changes.

        The work is read before what it leaves: what ends in between is told as an event.
        """
        await level(self.follower, self.sight.clock)
        works = [one for one in await standing(self.chat.owner_id, since) if self.sight.is_of_chat(one)]
        for one in works:
            self.follower.seen[one.identity] = one.last_sequence
            if not one.status.ended:
                self.works.take_up(one.identity, one)
        seen = await look_at_chat(self.sight, self._viewers)
        if seen.chat is None or not seen.shows(self.sight.user_id):
            self.is_over = True
            return []
        self.chat = seen.chat
        shown = await self._standing_exchanges(since)
        self._expect_ends()
        return snapshots(self.looked_at, self.chat, shown, works)

    async def read(self, news: News | None) -> list[ChatNews]:
        """What a piece of news of the project's owner means for this chat, in the order of the time."""
        owed = self.turns.begin()
        if news is None:
            return owed + await self._all_missed()
        foretold = self.foretell(news, await facts(news, [self]))
        if foretold is None:
            return owed + await self._caught_up(news)
        foretold.note()
        self.is_over = foretold.is_over
        return [*owed, *foretold.told]

    def foretell(self, news: News, facts: Facts) -> Foretold[ChatNews] | None:
        """What the news are to tell, by what was read of them; null where events before them are missing."""
        generation_id, event = news.generation_id, news.event
        if self.is_about_chat(news):
            looked = self._looked(facts.look)
            return Foretold(looked.told, looked.note) if looked else Foretold(is_over=True)
        if event.sequence == 0:  # a hint about something else of the owner's
            return Foretold()
        if not self.works.are_of_chat(generation_id, facts.work):
            return Foretold(note=partial(self.works.pass_over, generation_id, event.sequence))
        seen = self.follower.seen.get(generation_id, 0)
        if event.sequence > seen + 1:
            return None
        if event.sequence <= seen:
            return Foretold(note=partial(self.works.take_up, generation_id, facts.work))
        return self._foretell_work(news, facts)

    def _foretell_work(self, news: News, facts: Facts) -> Foretold[ChatNews]:
        """The next event of a work."""
        generation_id, event = news.generation_id, news.event
        told, chat, exchanges, looked = list[ChatNews](), self.chat, self.exchanges, None
        if changes_messages(event):
            looked = self._looked(facts.look)
            if looked is None:
                return Foretold(is_over=True)
            told, chat, exchanges = looked.told, looked.chat, looked.exchanges
        exchange_id = self.works.exchange_of(generation_id, facts.work)
        worked = _worked(chat, exchanges, exchange_id, Happening(generation_id, event))

        def note() -> None:
            if looked is not None:
                looked.note()
            self.works.take_up(generation_id, facts.work)
            self.follower.seen[generation_id] = event.sequence
            self.works.end(generation_id, event)

        return Foretold([*told, worked], note)

    def is_about_chat(self, news: News) -> bool:
        """Whether it is a hint about the chat, or its project."""
        return news.generation_id in {self.chat.identity, self.chat.project_id}

    def wants_look(self, news: News, work: Generation | None) -> bool:
        """Whether the news make it look at the chat, by what was found of their generation."""
        if self.is_about_chat(news):
            return True
        generation_id, event = news.generation_id, news.event
        is_next = event.sequence == self.follower.seen.get(generation_id, 0) + 1
        return is_next and changes_messages(event) and self.works.are_of_chat(generation_id, work)

    async def _all_missed(self) -> list[ChatNews]:
        """All that was missed, of the work and of the exchanges."""
        happened = list[Happening]()
        for latest in await when_there(lambda: missed(self.follower, self.sight.clock)):
            generation_id = latest.generation_id
            work = None if self.works.know(generation_id) else await self._work_of(generation_id)
            if self.works.are_of_chat(generation_id, work):
                self.works.take_up(generation_id, work)
                events = in_order(self.follower, generation_id, None)
                happened += [Happening(generation_id, one) async for one in events]
            else:
                self.works.pass_over(generation_id, latest.sequence)
        told = await self._look(self._viewers)
        return sorted(told + self._all_worked(happened), key=lambda one: one.at) if not self.is_over else []

    async def _caught_up(self, news: News) -> list[ChatNews]:
        """The same of one generation that works for the chat."""
        generation_id = news.generation_id
        if not self.works.know(generation_id):
            self.works.take_up(generation_id, await self._work_of(generation_id))
        events = in_order(self.follower, generation_id, news.event)
        happened = [Happening(generation_id, one) async for one in events]
        told = await self._look(None) if any(changes_messages(one.event) for one in happened) else []
        return told + self._all_worked(happened)

    def _all_worked(self, happened: list[Happening]) -> list[ChatNews]:
        """The same, with the exchanges as they were told; what has ended is forgotten."""
        told = list[ChatNews]()
        for one in happened:
            generation_id = _identity_of(one)
            told.append(_worked(self.chat, self.exchanges, self.works.exchange_of(generation_id), one))
            self.works.end(generation_id, one.event)
        return told

    @property
    def _viewers(self) -> frozenset[PydanticObjectId]:
        return frozenset({self.sight.user_id})

    async def _work_of(self, generation_id: PydanticObjectId) -> Generation | None:
        return _its_work(self.sight, await found(generation_id))

    async def _standing_exchanges(self, since: datetime | None) -> dict[PydanticObjectId, Exchange]:
        """Those under way, or changed since then; the ones that changed just now are no news either."""
        chat_id, level_at = self.chat.identity, self.looked_at - OVERLAP
        changed_from = level_at if since is None else since - OVERLAP
        changed = await Exchange.changed_in(chat_id, min(changed_from, level_at))
        under_way = await Exchange.under_way_in(chat_id)
        self.exchanges = {one.identity: one for one in (*changed, *under_way)}
        return {
            identity: one
            for identity, one in self.exchanges.items()
            if _is_under_way(one) or (since is not None and one.changed_at >= changed_from)
        }

    def _expect_ends(self) -> None:
        """Work that has ended, of which the exchange does not know yet, is still to tell so."""
        for one in self.exchanges.values():
            generation_id = one.generation_id
            if generation_id and _is_under_way(one):
                self.works.expect_end(generation_id, one.identity)

    async def _look(self, checked: frozenset[PydanticObjectId] | None) -> list[ChatNews]:
        """What was changed since the last look."""
        looked = self._looked(await look(self.sight, self.looked_at - OVERLAP, checked))
        if looked is None:
            self.is_over = True
            return []
        looked.note()
        return looked.told

    def _looked(self, look: Look | None) -> _Looked | None:
        """What a look tells; null when all is over."""
        assert look is not None  # noqa: S101 - `wants_look` said so
        now = look.chat
        if now is None or not look.shows(self.sight.user_id):
            return None
        changed = [one for one in look.changed if one.changed_at >= self.looked_at - OVERLAP]
        is_other = (self.chat.revision, self.chat.trashed_at) != (now.revision, now.trashed_at)
        told = [ChatNews(ChatNewsType.CHAT, now.changed_at, now)] if is_other else []
        told += [ChatNews(ChatNewsType.MESSAGE, one.changed_at, now, one) for one in changed if self._is_news(one)]
        under_way = {identity: one for identity, one in self.exchanges.items() if _is_under_way(one)}
        exchanges = under_way | {one.identity: one for one in changed}

        def note() -> None:
            self.chat, self.exchanges, self.looked_at = now, exchanges, look.at

        return _Looked(told, now, exchanges, note)

    def _is_news(self, exchange: Exchange) -> bool:
        told = self.exchanges.get(exchange.identity)
        return told is None or told.revision < exchange.revision


async def facts(news: News, desks: Sequence[Desk]) -> Facts:
    """What some desks of one chat have to know of the news; nothing is read that none has to."""
    generation_id, event, sight = news.generation_id, news.event, desks[0].sight
    is_about = any(one.is_about_chat(news) for one in desks)
    work = None
    if event.sequence and not is_about and not all(one.works.know(generation_id) for one in desks):
        work = _its_work(sight, await found(generation_id))
    looking = [one for one in desks if one.wants_look(news, work)]
    if not looking:
        return Facts(work)
    since = min(one.looked_at for one in looking) - OVERLAP
    checked = frozenset(one.sight.user_id for one in looking) if is_about else None
    return Facts(work, await look(sight, since, checked))


async def foretelling(news: News, desks: Sequence[Desk]) -> Foretell[Desk, ChatNews]:
    """What the news means to each of some desks of one chat, by one look for all of them."""
    read = await facts(news, desks)
    return lambda desk: desk.foretell(news, read)


def changes_messages(event: GenerationEvent) -> bool:
    """Whether it comes with a change of an exchange: its beginning, and its end."""
    return event.type is EventType.QUEUED or event.type.terminal


def _its_work(sight: Sight, generation: Generation | None) -> Generation | None:
    return generation if generation is not None and sight.is_of_chat(generation) else None


def _worked(
    chat: Chat,
    exchanges: dict[PydanticObjectId, Exchange],
    exchange_id: PydanticObjectId | None,
    happening: Happening,
) -> ChatNews:
    """An event of a work on an exchange, as that was told; null: of one on an image alone."""
    exchange = exchanges.get(exchange_id) if exchange_id else None
    return ChatNews(ChatNewsType.WORK, happening.event.at, chat, exchange, happening)


def _identity_of(happening: Happening) -> PydanticObjectId:
    about = happening.about
    return about.identity if isinstance(about, Generation) else about


def _is_under_way(exchange: Exchange) -> bool:
    return exchange.status is AnswerStatus.PROCESSING
