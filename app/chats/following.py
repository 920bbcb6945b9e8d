"""A chat followed live, by everybody who has its project open.

Its exchanges are always told as the database has them: an event only makes them be read. The events of the work on
them, and on the chat's images, are those of the generations themselves, in their order, without a hole and without a
double.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from beanie import PydanticObjectId

from app.chats.exchange import AnswerStatus, Exchange
from app.chats.model import Chat
from app.chats.news import ChatNews, ChatNewsType, Happening, snapshots
from app.chats.recipes import CHAT_PARAMETER, GENERATION_KIND
from app.database.absence import borne
from app.database.clock import DatabaseClock
from app.generations.events import EventType, GenerationEvent
from app.generations.followers import OVERLAP, Follower, News
from app.generations.following import in_order, level, missed, standing
from app.generations.model import Generation
from app.generations.ports import EventHub

_AWAY_S = 60
_REMEMBERED = 2_000

type MaySee = Callable[[], Awaitable[bool]]
"""Whether who follows may still see the chat: members are removed."""


async def events(
    hub: EventHub, clock: DatabaseClock, chat: Chat, since: datetime | None, may_see: MaySee
) -> AsyncGenerator[ChatNews]:
    """A SNAPSHOT of all that is under way or changed since then, and of the chat; then all that happens, live.

    It ends when the chat is gone, or who follows may see it no more.
    """
    async with hub.follow(chat.owner_id, None) as follower:
        desk = _Desk(follower, clock, chat, may_see)
        for told in await desk.standing(since):
            yield told
        if desk.is_over:
            return
        async for news in follower.news():
            for told in await desk.read(news):
                yield told
            if desk.is_over:
                return


@dataclass(slots=True)
class _Desk:
    """Looks things up for one follower of one chat.

    `exchanges` are those that are under way or were changed around the last look, as they were told. `works` are the
    generations that work for this chat and have not ended, with their exchanges, null for an image's alone; `others`
    are generations that don't, or have ended.
    """

    follower: Follower
    clock: DatabaseClock
    chat: Chat
    may_see: MaySee
    is_over: bool = False
    exchanges: dict[PydanticObjectId, Exchange] = field(default_factory=dict[PydanticObjectId, Exchange])
    works: dict[PydanticObjectId, PydanticObjectId | None] = field(
        default_factory=dict[PydanticObjectId, PydanticObjectId | None]
    )
    others: dict[PydanticObjectId, None] = field(default_factory=dict[PydanticObjectId, None])
    looked_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.looked_at = self.clock.now()

    async def standing(self, since: datetime | None) -> list[ChatNews]:
        """What is under way or changed since then, in the order of the latest changes.

        The work is read before what it leaves: what ends in between is told as an event.
        """
        await level(self.follower, self.clock)
        works = [one for one in await standing(self.chat.owner_id, since) if self._is_of_chat(one)]
        for one in works:
            self.follower.seen[one.identity] = one.last_sequence
            if not one.status.ended:
                self.works[one.identity] = _exchange_of(one)
        await self._look_at_chat(check=True)
        if self.is_over:
            return []
        shown = await self._standing_exchanges(since)
        self._expect_ends()
        return snapshots(self.looked_at, self.chat, shown, works)

    async def read(self, news: News | None) -> list[ChatNews]:
        """What a piece of news of the project's owner means for this chat, in the order of the time."""
        if news is None:
            return await self._all_missed()
        generation_id, event = news.generation_id, news.event
        if generation_id in {self.chat.identity, self.chat.project_id}:
            return await self._look(check=True)
        if event.sequence == 0:  # a hint about something else of the owner's
            return []
        if not await self._is_its_work(generation_id):
            self._pass_over(generation_id, event.sequence)
            return []
        happened = [Happening(generation_id, one) async for one in in_order(self.follower, generation_id, event)]
        told = await self._look() if any(_changes_messages(one.event) for one in happened) else []
        return told + self._worked(happened)

    async def _all_missed(self) -> list[ChatNews]:
        """All that was missed, of the work and of the exchanges."""
        happened = list[Happening]()
        for latest in await _borne(lambda: missed(self.follower, self.clock)):
            generation_id = latest.generation_id
            if await self._is_its_work(generation_id):
                events = in_order(self.follower, generation_id, None)
                happened += [Happening(generation_id, one) async for one in events]
            else:
                self._pass_over(generation_id, latest.sequence)
        told = await self._look(check=True)
        return sorted(told + self._worked(happened), key=lambda one: one.at) if not self.is_over else []

    def _worked(self, happened: list[Happening]) -> list[ChatNews]:
        """The same, with the exchanges as they were told; what has ended is forgotten."""
        told = list[ChatNews]()
        for one in happened:
            generation_id = _identity_of(one)
            exchange_id = self.works.get(generation_id)
            exchange = self.exchanges.get(exchange_id) if exchange_id else None
            told.append(ChatNews(ChatNewsType.WORK, one.event.at, self.chat, exchange, one))
            if one.event.type.terminal:
                self.works.pop(generation_id, None)
                self._pass_over(generation_id, one.event.sequence)
        return told

    async def _is_its_work(self, generation_id: PydanticObjectId) -> bool:
        """Whether that generation works for this chat; the database says so once of each."""
        if generation_id in self.works or generation_id in self.others:
            return generation_id in self.works
        found = (await _borne(lambda: Generation.without_events([generation_id]))).get(generation_id)
        if found is None or not self._is_of_chat(found):
            return False
        self.works[generation_id] = _exchange_of(found)
        return True

    def _is_of_chat(self, generation: Generation) -> bool:
        return generation.recipe.parameters.get(CHAT_PARAMETER) == str(self.chat.identity)

    def _pass_over(self, generation_id: PydanticObjectId, sequence: int) -> None:
        """Note how far it has come, which is not, or no more, for this chat; of very many the latest are remembered."""
        seen = self.follower.seen
        seen[generation_id] = max(sequence, seen.get(generation_id, 0))
        self.others[generation_id] = None
        while len(self.others) > _REMEMBERED:
            forgotten = next(iter(self.others))
            del self.others[forgotten]
            seen.pop(forgotten, None)

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
            if generation_id and _is_under_way(one) and generation_id not in self.works:
                self.works[generation_id] = one.identity
                self.follower.seen[generation_id] = max(self.follower.seen.get(generation_id, 0) - 1, 0)

    async def _look(self, *, check: bool = False) -> list[ChatNews]:
        """What was changed since the last look; `check`: and whether the chat may still be seen."""
        at = self.clock.now()
        told = await self._look_at_chat(check=check)
        if self.is_over:
            return []
        changed = await _borne(lambda: Exchange.changed_in(self.chat.identity, self.looked_at - OVERLAP))
        self.looked_at = at
        told += [
            ChatNews(ChatNewsType.MESSAGE, one.changed_at, self.chat, one) for one in changed if self._is_news(one)
        ]
        under_way = {identity: one for identity, one in self.exchanges.items() if _is_under_way(one)}
        self.exchanges = under_way | {one.identity: one for one in changed}
        return told

    async def _look_at_chat(self, *, check: bool) -> list[ChatNews]:
        now = (await _borne(lambda: Chat.by_ids([self.chat.identity]))).get(self.chat.identity)
        if now is None or (check and not await _borne(self.may_see)):
            self.is_over = True
            return []
        was, self.chat = self.chat, now
        changed = (was.revision, was.trashed_at) != (now.revision, now.trashed_at)
        return [ChatNews(ChatNewsType.CHAT, now.changed_at, now)] if changed else []

    def _is_news(self, exchange: Exchange) -> bool:
        told = self.exchanges.get(exchange.identity)
        return told is None or told.revision < exchange.revision


def _exchange_of(generation: Generation) -> PydanticObjectId | None:
    """That whose answer it makes; null for an image alone."""
    return generation.recipe.parent_id if generation.kind == GENERATION_KIND else None


def _identity_of(happening: Happening) -> PydanticObjectId:
    about = happening.about
    return about.identity if isinstance(about, Generation) else about


def _is_under_way(exchange: Exchange) -> bool:
    return exchange.status is AnswerStatus.PROCESSING


def _changes_messages(event: GenerationEvent) -> bool:
    """Whether it comes with a change of an exchange: its beginning, and its end."""
    return event.type is EventType.QUEUED or event.type.terminal


async def _borne[T](read: Callable[[], Awaitable[T]]) -> T:
    """What was read; a database that is away is waited for, as long as a stream may."""
    return await borne(read, _AWAY_S)
