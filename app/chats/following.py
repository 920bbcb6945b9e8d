"""A chat followed live, by everybody who has its project open.

Its exchanges are always told as the database has them: an event only makes them be read. The events of the work on
them are those of the generations themselves, in their order, without a hole and without a double.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from beanie import PydanticObjectId

from app.chats.exchange import AnswerStatus, Exchange
from app.chats.model import Chat
from app.database.absence import borne
from app.database.clock import DatabaseClock
from app.generations.events import EventType, GenerationEvent
from app.generations.followers import Follower, News
from app.generations.following import OVERLAP, in_order
from app.generations.model import Generation
from app.generations.ports import EventHub

_AWAY_S = 60
_REMEMBERED = 2_000
CHAT_PARAMETER = "chatId"
"""Of the recipes of all work for a chat: which one."""


class ChatNewsType(StrEnum):
    """What is told."""

    SNAPSHOT = "SNAPSHOT"
    """An exchange as it stood when the following began: it is under way, or was changed since then."""
    MESSAGE = "MESSAGE"
    """An exchange is new, or was changed."""
    CHAT = "CHAT"
    """The chat was changed: another branch is shown, another title."""
    WORK = "WORK"
    """An event of the work on an exchange, or on one of the chat's images."""


class ChatNews(NamedTuple):
    """One piece of news; `event` with its generation are of WORK alone, the exchange of all that is about one."""

    type: ChatNewsType
    at: datetime
    chat: Chat
    exchange: Exchange | None = None
    generation_id: PydanticObjectId | None = None
    event: GenerationEvent | None = None


type MaySee = Callable[[], Awaitable[bool]]
"""Whether who follows may still see the chat: members are removed, projects go to the trash."""


async def events(
    hub: EventHub, clock: DatabaseClock, chat: Chat, since: datetime | None, may_see: MaySee
) -> AsyncGenerator[ChatNews]:
    """A SNAPSHOT of each exchange that is under way or changed since then, then all that happens, live.

    It ends when the chat is gone, or who follows may see it no more.
    """
    async with hub.follow(chat.owner_id, None) as follower:
        desk = _Desk(follower, clock, chat, may_see)
        for told in await desk.standing(since):
            yield told
        async for news in follower.news():
            async for told in desk.read(news):
                yield told
            if desk.is_over:
                return


@dataclass(slots=True)
class _Desk:
    """Looks things up for one follower of one chat.

    `revisions` are those of the exchanges that were told, `works` the generations that work for this chat and have not
    ended, with their exchanges, null for an image's alone; `others` are generations that don't.
    """

    follower: Follower
    clock: DatabaseClock
    chat: Chat
    may_see: MaySee
    is_over: bool = False
    revisions: dict[PydanticObjectId, int] = field(default_factory=dict[PydanticObjectId, int])
    works: dict[PydanticObjectId, PydanticObjectId | None] = field(
        default_factory=dict[PydanticObjectId, PydanticObjectId | None]
    )
    others: dict[PydanticObjectId, None] = field(default_factory=dict[PydanticObjectId, None])
    looked_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.looked_at = self.clock.now()

    async def standing(self, since: datetime | None) -> list[ChatNews]:
        """What is under way or changed since then, in the order of the latest changes."""
        found = {one.identity: one for one in await Exchange.under_way_in(self.chat.identity)}
        if since is not None:
            found |= {one.identity: one for one in await Exchange.changed_in(self.chat.identity, since - OVERLAP)}
        shown = sorted(found.values(), key=lambda one: (one.changed_at, one.identity))
        for exchange in shown:
            self.revisions[exchange.identity] = exchange.revision
        await self._follow([one.generation_id for one in shown if one.generation_id and _is_open(one)])
        return [ChatNews(ChatNewsType.SNAPSHOT, one.changed_at, self.chat, one) for one in shown]

    async def read(self, news: News | None) -> AsyncGenerator[ChatNews]:
        """What a piece of news of the project's owner means for this chat."""
        if news is None:
            async for told in self._all():
                yield told
            return
        seen = self.follower.seen
        if news.generation_id in {self.chat.identity, self.chat.project_id}:
            for told in await self._look(check=True):
                yield told
        elif await self._is_its_work(news):
            async for told in self._work(news.generation_id, news.event):
                yield told
        else:
            seen[news.generation_id] = max(news.event.sequence, seen.get(news.generation_id, 0))

    async def _all(self) -> AsyncGenerator[ChatNews]:
        """All that was missed: of the exchanges, and of the work that is under way."""
        for told in await self._look(check=True):
            yield told
        for generation_id in tuple(self.works):
            async for told in self._work(generation_id, None):
                yield told

    async def _work(self, generation_id: PydanticObjectId, event: GenerationEvent | None) -> AsyncGenerator[ChatNews]:
        """The events of one generation that come next; with the end comes what it has left in the exchange."""
        async for one in in_order(self.follower, generation_id, event):
            exchange_id = self.works.get(generation_id)
            if one.type in {EventType.QUEUED, EventType.STARTED} or one.type.terminal:
                for told in await self._look():
                    yield told
            exchange = await self._exchange(exchange_id) if exchange_id else None
            yield ChatNews(ChatNewsType.WORK, one.at, self.chat, exchange, generation_id, one)
            if one.type.terminal:
                self.works.pop(generation_id, None)

    async def _is_its_work(self, news: News) -> bool:
        """Whether that generation works for this chat; the database says so once of each."""
        generation_id = news.generation_id
        if generation_id in self.works:
            return True
        if generation_id in self.others:
            return False
        if not await self._follow([generation_id], news.event.sequence - 1):
            self.others[generation_id] = None
            while len(self.others) > _REMEMBERED:
                self.others.pop(next(iter(self.others)))
            return False
        return True

    async def _follow(self, generation_ids: list[PydanticObjectId], seen: int | None = None) -> bool:
        """Follow those of them that work for this chat, from that event on (null: from how they stand); any."""
        its = False
        found = await _borne(lambda: Generation.without_events(generation_ids)) if generation_ids else {}
        for generation_id, generation in found.items():
            if generation.recipe.parameters.get(CHAT_PARAMETER) == str(self.chat.identity):
                self.follower.seen[generation_id] = generation.last_sequence if seen is None else max(seen, 0)
                of_exchange = await self._exchange(generation.recipe.parent_id)
                self.works[generation_id] = of_exchange.identity if of_exchange else None
                its = True
        return its

    async def _look(self, *, check: bool = False) -> list[ChatNews]:
        """What was changed since the last look; `check`: and whether the chat is there, and may be seen."""
        at = self.clock.now()
        told = await self._look_at_chat() if check else []
        if self.is_over:
            return []
        changed = await _borne(lambda: Exchange.changed_in(self.chat.identity, self.looked_at - OVERLAP))
        self.looked_at = at
        for exchange in changed:
            if self.revisions.get(exchange.identity, -1) < exchange.revision:
                self.revisions[exchange.identity] = exchange.revision
                told.append(ChatNews(ChatNewsType.MESSAGE, exchange.changed_at, self.chat, exchange))
        return told

    async def _look_at_chat(self) -> list[ChatNews]:
        now = await _borne(lambda: Chat.get(self.chat.identity))
        if now is None or not await _borne(self.may_see):
            self.is_over = True
            return []
        was, self.chat = self.chat, now
        changed = (was.revision, was.trashed_at) != (now.revision, now.trashed_at)
        return [ChatNews(ChatNewsType.CHAT, now.changed_at, now)] if changed else []

    async def _exchange(self, exchange_id: PydanticObjectId | None) -> Exchange | None:
        return await _borne(lambda: Exchange.get(exchange_id)) if exchange_id else None


async def _borne[T](read: Callable[[], Awaitable[T]]) -> T:
    """What was read; a database that is away is waited for, as long as a stream may."""
    return await borne(read, _AWAY_S)


def _is_open(exchange: Exchange) -> bool:
    return exchange.status is AnswerStatus.PROCESSING
