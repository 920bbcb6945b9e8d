"""Groups of subscriptions to the same, by the same operation: one execution of each event for all who are level."""

from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import override

from beanie import PydanticObjectId

from app.api.sharing.circles import Circles
from app.api.sharing.frames import Result
from app.api.sharing.keys import Key
from app.api.sharing.outlets import Outlet
from app.api.sharing.rounds import HandOn, Round, Rounds
from app.generations.followers import Follower, News
from app.logs import logger

_log = logger(__name__)

type Execute = Callable[[News], Awaitable[str | None]]
"""The result of an event, in JSON; null where there are errors, which each member is told in its own words."""
type Seeing = Callable[[frozenset[PydanticObjectId]], Awaitable[frozenset[PydanticObjectId]]]
"""Those of some users who may see what is followed, now."""


@dataclass(eq=False, slots=True)
class Member:
    """One subscription in a group.

    Until it `has_begun`, with a first message of its own, which says what it costs, it is on its own. `viewer` is the
    binary of the viewer's id: Python looks up ids ten times slower, and there are many of us.
    """

    group: "Group"
    outlet: Outlet
    viewer: bytes
    has_begun: bool = False
    has_left: bool = False

    def relay(self, follower: Follower, news: News) -> bool:
        """Let the group hand the news on, if it may be that it can."""
        may_be = self.has_begun and self.outlet.is_free and news.event.sequence > 0
        return may_be and self.group.take((self, follower), news)

    def hand_on(self, follower: Follower, news: News, result: Result | None, now: datetime) -> None:
        """Send the result of an event if it is the next one, and is taken now; else leave the event to the follower."""
        generation_id, event = news.generation_id, news.event
        is_next = follower.seen.get(generation_id, 0) + 1 == event.sequence
        if result is None or not (is_next and follower.waits and self.outlet.is_free):
            follower.take_back(news)
            return
        follower.seen[generation_id] = event.sequence
        self.outlet.send(result, follower.relayed)
        if event.type.terminal:
            if follower.generation_id is None:
                follower.is_over(generation_id, now)
            else:
                follower.end()


@dataclass(eq=False, slots=True)
class Group(Rounds[tuple[Member, Follower]]):
    """Executes one event after another; `size` is the number of its members."""

    execute: Execute
    seeing: Seeing
    clock: Callable[[], datetime]

    @override
    async def _made(self, made: Round[tuple[Member, Follower]]) -> HandOn[tuple[Member, Follower]]:
        viewers, payload = await self._shown(made)
        result = None if payload is None else Result(payload)

        def hand_on(done: Round[tuple[Member, Follower]]) -> None:
            now = self.clock()
            for member, follower in done.waiting:
                if not member.has_left:
                    member.hand_on(follower, done.news, result if member.viewer in viewers else None, now)

        return hand_on

    async def _shown(self, made: Round[tuple[Member, Follower]]) -> tuple[AbstractSet[bytes], str | None]:
        """Who may see the event, and what there is to see; nobody and nothing where that can't be told now."""
        try:
            asking = {member.viewer for member, _ in made.waiting}
            seeing = await self.seeing(frozenset(map(PydanticObjectId, asking)))
            return {one.binary for one in seeing}, await self.execute(made.news) if seeing else None
        except Exception:  # noqa: BLE001 - each member tries by itself then, and is told of its own failure
            _log.warning("event_not_shared", exc_info=True)
            return frozenset(), None


@dataclass(slots=True)
class Groups:
    """Those of this process; `circles` are of those who have desks."""

    circles: Circles = field(default_factory=Circles)
    _of: dict[Key, Group] = field(default_factory=dict[Key, Group])

    @property
    def sizes(self) -> Iterable[int]:
        """How many members each has."""
        return [group.size for group in self._of.values()]

    def joined(
        self, key: Key, make: Callable[[], Group], outlet: Outlet, viewer_id: PydanticObjectId
    ) -> AbstractAsyncContextManager[Member]:
        """While entered, one more member of the group of that key, which ends with its last one."""
        return _Joined(self._of, key, make, outlet, viewer_id)


class _Joined(AbstractAsyncContextManager[Member, None]):
    """No generator: there are very many, and each of those takes half a kilobyte more."""

    __slots__ = ("_groups", "_key", "_make", "_member", "_outlet", "_viewer_id")

    def __init__(
        self,
        groups: dict[Key, Group],
        key: Key,
        make: Callable[[], Group],
        outlet: Outlet,
        viewer_id: PydanticObjectId,
    ) -> None:
        self._groups, self._key, self._make = groups, key, make
        self._outlet, self._viewer_id = outlet, viewer_id
        self._member: Member | None = None

    @override
    async def __aenter__(self) -> Member:
        group = self._groups.get(self._key)
        if group is None:
            group = self._groups[self._key] = self._make()
        member = self._member = Member(group, self._outlet, self._viewer_id.binary)
        group.size += 1
        return member

    @override
    async def __aexit__(self, *_: object) -> None:
        member = self._member
        if member is None:
            return
        member.has_left = True
        group = member.group
        group.size -= 1
        if not group.size:
            del self._groups[self._key]
            group.close()
        await self._outlet.close()
