"""Groups of those who are told what they follow by desks of their own: one look at the database, one execution a news.

What a piece of news means to each is found out by their desk. Those to whom it means the same, as all do who are level,
are sent the same result.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast, override

from beanie import PydanticObjectId

from app.api.sharing.frames import Result
from app.api.sharing.keys import Key
from app.api.sharing.outlets import Outlet
from app.api.sharing.rounds import HandOn, Round, Rounds
from app.generations.desks import Desk, Foretold, Look
from app.generations.followers import News
from app.logs import logger

_log = logger(__name__)
_AT_ONCE = 8
"""So many different meanings of one piece of news are shared; who takes it otherwise still is on their own."""

type Execute[T] = Callable[[T], Awaitable[str | None]]
"""The result for what is told, in JSON; null where there are errors, which each is told in their own words."""


def _nothing() -> None:
    """More is to be sent of the same news."""


@dataclass(eq=False, slots=True)
class Listener[D: Desk[Any], T]:
    """One subscription in a circle; until it `has_begun`, with a first message of its own, it is on its own."""

    circle: "Circle[D, T]"
    outlet: Outlet
    viewer_id: PydanticObjectId
    has_begun: bool = False
    has_left: bool = False

    def relay(self, desk: D, news: News) -> bool:
        """Let the circle tell the news, if it may be that it can."""
        return self.has_begun and self.outlet.is_free and self.circle.take(_Waiting(self, desk), news)


class _Waiting[D: Desk[Any], T](NamedTuple):
    """Who waits for what a piece of news means."""

    listener: Listener[D, T]
    desk: D


class _Foreseen[D: Desk[Any], T](NamedTuple):
    """What it means to one of them, if their reader has not read in between; the results of all that is told."""

    who: _Waiting[D, T]
    foretold: Foretold[T]
    turn: int
    meaning: "_Meaning[T]"


@dataclass(eq=False, slots=True)
class _Meaning[T]:
    """What is told to all who are level; `results`: null where nothing is to be shared."""

    told: Sequence[T]
    results: list[Result] | None = None


@dataclass(eq=False, slots=True)
class Circle[D: Desk[Any], T](Rounds[_Waiting[D, T]]):
    """Looks up and executes one piece of news after another; `size`: of how many it is."""

    look: Look[D, T]
    execute: Execute[T]

    @override
    async def _made(self, made: Round[_Waiting[D, T]]) -> HandOn[_Waiting[D, T]]:
        told = {id(one.who.listener): one for one in await self._foreseen(made)}

        def hand_on(done: Round[_Waiting[D, T]]) -> None:
            for who in done.waiting:
                if not who.listener.has_left:
                    _tell(who, done.news, told.get(id(who.listener)))

        return hand_on

    async def _foreseen(self, made: Round[_Waiting[D, T]]) -> Sequence[_Foreseen[D, T]]:
        """What the news means to whom, and the results; nothing where that can't be told now."""
        try:
            turns = [(who, who.desk.turns.count) for who in made.waiting if _is_level(who)]
            if not turns:
                return ()
            foretell = await self.look(made.news, [who.desk for who, _ in turns])
            meanings, foreseen = list[_Meaning[T]](), list[_Foreseen[D, T]]()
            for who, turn in turns:
                foretold = foretell(who.desk) if _is_level(who) and who.desk.turns.count == turn else None
                meaning = _meaning(meanings, foretold)
                if foretold is not None and meaning is not None:
                    foreseen.append(_Foreseen(who, foretold, turn, meaning))
            for meaning in meanings:
                meaning.results = await self._executed(meaning.told)
        except Exception:  # noqa: BLE001 - each tries by itself then, and is told of its own failure
            _log.warning("news_not_shared", exc_info=True)
            return ()
        return foreseen

    async def _executed(self, told: Sequence[T]) -> list[Result] | None:
        results = list[Result]()
        for one in told:
            payload = await self.execute(one)
            if payload is None:
                return None
            results.append(Result(payload))
        return results


def _is_level(who: _Waiting[Any, Any]) -> bool:
    return not who.listener.has_left and who.desk.follower.waits and who.listener.outlet.is_free


def _meaning[T](meanings: list[_Meaning[T]], foretold: Foretold[T] | None) -> _Meaning[T] | None:
    """The one of those that are known, or one more; null where the reader has to tell it."""
    if foretold is None or foretold.is_over:
        return None
    for one in meanings:
        if one.told == foretold.told:
            return one
    if len(meanings) == _AT_ONCE:
        return None
    meanings.append(_Meaning(foretold.told))
    return meanings[-1]


def _tell[D: Desk[Any], T](who: _Waiting[D, T], news: News, foreseen: _Foreseen[D, T] | None) -> None:
    """Send what the news means, if it is known and taken now; else leave the news to the reader, or the rest of it."""
    desk, outlet = who.desk, who.listener.outlet
    results = foreseen.meaning.results if foreseen else None
    if foreseen is None or results is None or desk.turns.count != foreseen.turn or not _is_level(who):
        desk.follower.take_back(news)
        return
    foreseen.foretold.note()
    if not results:
        desk.follower.relayed()
    for place, result in enumerate(results, 1):
        if not outlet.is_free:
            desk.turns.owed += foreseen.foretold.told[place - 1 :]
            desk.follower.take_back(news)
            return
        outlet.send(result, desk.follower.relayed if place == len(results) else _nothing)


@dataclass(slots=True)
class Circles:
    """Those of this process."""

    _of: dict[Key, Circle[Any, Any]] = field(default_factory=dict[Key, Circle[Any, Any]])

    @property
    def sizes(self) -> Iterable[int]:
        """Of how many each is."""
        return [circle.size for circle in self._of.values()]

    @asynccontextmanager
    async def joined[D: Desk[Any], T](
        self, key: Key, make: Callable[[], Circle[D, T]], outlet: Outlet, viewer_id: PydanticObjectId
    ) -> AsyncGenerator[Listener[D, T]]:
        """While entered, one more listener in the circle of that key, which ends with its last one."""
        circle = cast("Circle[D, T] | None", self._of.get(key))
        if circle is None:
            circle = self._of[key] = make()
        listener = Listener[D, T](circle, outlet, viewer_id)
        circle.size += 1
        try:
            yield listener
        finally:
            listener.has_left = True
            circle.size -= 1
            if not circle.size:
                del self._of[key]
                circle.close()
            await outlet.close()
