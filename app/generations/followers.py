"""Who follows what in this process, each with a bounded buffer of its own."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import override

from beanie import PydanticObjectId

from app.generations.events import GenerationEvent
from app.generations.seen import Seen, SeenOfOne

BUFFERED_EVENTS = 64
OVERLAP = timedelta(seconds=10)
"""Clocks differ, and a write takes a moment to be seen: what is read again is dropped by its number."""
_BUFFERED_CALL_OFFS = 256
_REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class News:
    """An event, and which generation it happened in."""

    generation_id: PydanticObjectId
    event: GenerationEvent


type Relay = Callable[[Follower, News], bool]
"""Takes news of a follower whose reader waits, to hand it on itself: see `Follower.relayed`; false: it does not."""


@dataclass(eq=False, slots=True)
class Follower:
    """A bounded buffer; where something did not fit or was lost, a null stands for all that was missed.

    It follows one generation of an owner, or all of them where `generation_id` is null. `seen` is the number
    of the last event that was handed on, by generation; who reads the news writes it. `level_at`: all that was
    written until then, by the database's clock, was handed on; null where nobody needs to know.

    While its reader waits for more, a `relay` may hand the news on in the reader's place, without waking it.
    """

    owner_id: PydanticObjectId
    generation_id: PydanticObjectId | None = None
    seen: Seen = field(init=False)
    level_at: datetime | None = None
    relay: Relay | None = None
    _news: list[News] = field(default_factory=list[News])
    _over: deque[tuple[datetime, PydanticObjectId]] | None = None
    _relayed: int = 0
    _missed: bool = False
    _ended: bool = False
    _waits: bool = False
    _rung: bool = False
    _waiting: asyncio.Future[None] | None = None

    def __post_init__(self) -> None:
        self.seen = dict[PydanticObjectId, int]() if self.generation_id is None else SeenOfOne()

    @property
    def idle(self) -> bool:
        """Whether all that was offered has been dealt with: its reader has come back for more, and waits."""
        return self.waits and not self._relayed

    @property
    def waits(self) -> bool:
        """Whether its reader has dealt with all that is here; a relay may hold something still."""
        return self._waits and not self._rung

    def offer(self, news: News) -> None:
        """Take news of what is followed."""
        if self.relay is not None and self._waits and not self._rung and self.relay(self, news):
            self._relayed += 1
        else:
            self._keep(news)

    def relayed(self) -> None:
        """News that the relay had taken were handed on by it, as `seen` says already, and are on their way."""
        self._relayed -= 1

    def take_back(self, news: News) -> None:
        """News that the relay had taken are for the reader after all."""
        self._relayed -= 1
        self._keep(news)

    def _keep(self, news: News) -> None:
        """Let the news wait for the reader, or, where the buffer is full, forget all of it for one null."""
        if len(self._news) >= BUFFERED_EVENTS:
            self.miss()
        else:
            self._news.append(news)
            self._ring()

    def end(self) -> None:
        """Nothing more will come: whoever reads the news comes to their end, after what waits here."""
        self._ended = True
        self._ring()

    def miss(self) -> None:
        """Something was lost: what is read next is a null."""
        self._news.clear()
        self._missed = True
        self._ring()

    def lacks(self, generation_id: PydanticObjectId, sequence: int) -> bool:
        """Whether that event was neither handed on nor waits here, as itself, as a later one or as a null."""
        if self._missed or self._relayed or self.seen.get(generation_id, 0) >= sequence:
            return False
        return not any(news.generation_id == generation_id and news.event.sequence >= sequence for news in self._news)

    async def news(self) -> AsyncIterator[News | None]:
        """What was offered, until the end if there is one; null where something was missed."""
        while not self._ended:
            self._waits = True
            await self._rings()
            self._waits = False
            self._rung = False
            if self._missed:
                self._missed = False
                yield None
            while self._news:
                yield self._news.pop(0)

    def _ring(self) -> None:
        """Wake who waits; by hand, since an event of asyncio's takes a kilobyte, and there are many of us."""
        self._rung = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _rings(self) -> None:
        if not self._rung:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None

    def is_over(self, generation_id: PydanticObjectId, now: datetime) -> None:
        """Bound what a stream that is open for days remembers of what has ended: what can't be read again any more."""
        over = self._over = self._over or deque()
        over.append((now, generation_id))
        read_from = self.level_at - OVERLAP if self.level_at else None
        while read_from and len(over) > _REMEMBERED and over[0][0] < read_from:
            self.seen.pop(over.popleft()[1], None)


@dataclass(slots=True)
class _OfOwner:
    """The followers of one owner: of everything, and of single generations."""

    whole: set[Follower] = field(default_factory=set[Follower])
    single: dict[PydanticObjectId, set[Follower]] = field(default_factory=dict[PydanticObjectId, set[Follower]])

    def wanting(self, generation_id: PydanticObjectId) -> Iterator[Follower]:
        yield from self.whole
        yield from self.single.get(generation_id, ())

    def everyone(self) -> Iterator[Follower]:
        yield from self.whole
        for followers in self.single.values():
            yield from followers

    def add(self, follower: Follower) -> None:
        if follower.generation_id is None:
            self.whole.add(follower)
        else:
            self.single.setdefault(follower.generation_id, set()).add(follower)

    def remove(self, follower: Follower) -> None:
        if follower.generation_id is None:
            self.whole.remove(follower)
            return
        others = self.single[follower.generation_id]
        others.remove(follower)
        if not others:
            del self.single[follower.generation_id]


@dataclass(slots=True)
class Followers:
    """The followers of this process, found by owner and generation; a slow one never slows another."""

    _of: dict[PydanticObjectId, _OfOwner] = field(default_factory=dict[PydanticObjectId, _OfOwner])

    def __contains__(self, owner_id: PydanticObjectId) -> bool:
        return owner_id in self._of

    @property
    def count(self) -> int:
        """How many follow something now."""
        return sum(1 for owner in self._of.values() for _ in owner.everyone())

    @property
    def idle(self) -> bool:
        """Whether everybody has dealt with all that was offered."""
        return all(follower.idle for owner in self._of.values() for follower in owner.everyone())

    @property
    def owners(self) -> tuple[PydanticObjectId, ...]:
        """The owners of whom somebody follows something."""
        return tuple(self._of)

    @property
    def whole_owners(self) -> tuple[PydanticObjectId, ...]:
        """The owners of whom somebody follows everything."""
        return tuple(owner_id for owner_id, owner in self._of.items() if owner.whole)

    @property
    def generations(self) -> tuple[PydanticObjectId, ...]:
        """The generations that somebody follows singly."""
        return tuple(generation_id for owner in self._of.values() for generation_id in owner.single)

    def offer(self, owner_id: PydanticObjectId, news: News) -> None:
        """Hand the news to each follower of the owner who wants it."""
        if owner := self._of.get(owner_id):
            for follower in owner.wanting(news.generation_id):
                follower.offer(news)

    def miss(self, owner_id: PydanticObjectId) -> None:
        """Tell each follower of the owner that something was lost."""
        if owner := self._of.get(owner_id):
            for follower in owner.everyone():
                follower.miss()

    def miss_all(self) -> None:
        """Tell every follower of this process that something was lost."""
        for owner_id in self._of:
            self.miss(owner_id)

    def compare(self, owner_id: PydanticObjectId, generation_id: PydanticObjectId, sequence: int) -> None:
        """Tell those who want this generation and lack its event of that number that something was lost."""
        if owner := self._of.get(owner_id):
            for follower in owner.wanting(generation_id):
                if follower.lacks(generation_id, sequence):
                    follower.miss()

    def found_level(self, at: datetime) -> None:
        """Say that all was compared with what had been written until then: who lacks nothing, and waits, is level."""
        for owner in self._of.values():
            for follower in owner.whole:
                if follower.level_at is not None and follower.idle:
                    follower.level_at = max(at, follower.level_at)

    def joined(self, owner_id: PydanticObjectId, generation_id: PydanticObjectId | None) -> "Joined":
        """While entered, one more follower of that generation of the owner; null: of all of them."""
        return Joined(self._of, Follower(owner_id, generation_id))


class Joined(AbstractContextManager[Follower, None], AbstractAsyncContextManager[Follower, None]):
    """A follower that is told news while this is entered; no generator: each takes half a kilobyte more."""

    __slots__ = ("_follower", "_of")

    def __init__(self, of: dict[PydanticObjectId, _OfOwner], follower: Follower) -> None:
        self._of, self._follower = of, follower

    @override
    def __enter__(self) -> Follower:
        follower = self._follower
        self._of.setdefault(follower.owner_id, _OfOwner()).add(follower)
        return follower

    @override
    def __exit__(self, *_: object) -> None:
        owner_id = self._follower.owner_id
        owner = self._of[owner_id]
        owner.remove(self._follower)
        if not (owner.whole or owner.single):
            del self._of[owner_id]

    @override
    async def __aenter__(self) -> Follower:
        return self.__enter__()

    @override
    async def __aexit__(self, *_: object) -> None:
        self.__exit__()


@dataclass(slots=True)
class CallOffs:
    """Who in this process hears which generations are called off; of what does not fit, the oldest is dropped."""

    _ears: set[asyncio.Queue[PydanticObjectId]] = field(default_factory=set[asyncio.Queue[PydanticObjectId]])

    @property
    def wanted(self) -> bool:
        """Whether somebody hears them."""
        return bool(self._ears)

    def offer(self, generation_id: PydanticObjectId) -> None:
        """Hand the id to all who hear; never waits."""
        for ear in self._ears:
            if ear.full():
                ear.get_nowait()
            ear.put_nowait(generation_id)

    @contextmanager
    def heard(self) -> Generator[AsyncIterator[PydanticObjectId]]:
        """While entered, an endless iterator of the ids."""
        ear = asyncio.Queue[PydanticObjectId](_BUFFERED_CALL_OFFS)
        self._ears.add(ear)
        try:
            yield _each(ear)
        finally:
            self._ears.remove(ear)


async def _each(ear: asyncio.Queue[PydanticObjectId]) -> AsyncIterator[PydanticObjectId]:
    while True:
        yield await ear.get()
