"""News that are shared one after another, each among all who wait for it when it is made."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field

from app.generations.followers import BUFFERED_EVENTS, News


@dataclass(slots=True)
class Round[W]:
    """A piece of news, and those who wait for it."""

    news: News
    waiting: list[W]


type HandOn[W] = Callable[[Round[W]], None]
"""Gives what was made of the news to each who waits by now; who came too late for it is among them."""


@dataclass(eq=False, slots=True, kw_only=True)
class Rounds[W](ABC):
    """Makes something of one piece of news after another, as long as there are any; `size`: for how many."""

    size: int = 0
    _rounds: deque[Round[W]] = field(default_factory=deque["Round[W]"])
    _work: asyncio.Task[None] | None = None

    def take(self, who: W, news: News) -> bool:
        """Have the news handed on to this one, among others; false where too many wait."""
        if not self._rounds or self._rounds[-1].news is not news:
            if len(self._rounds) >= BUFFERED_EVENTS:
                return False
            self._rounds.append(Round(news, []))
            if self._work is None:
                self._work = asyncio.create_task(self._run(), context=Context())
        self._rounds[-1].waiting.append(who)
        return True

    def close(self) -> None:
        """Stop: nobody waits for anything any more."""
        self._rounds.clear()
        if self._work is not None:
            self._work.cancel()

    async def _run(self) -> None:
        while self._rounds:
            hand_on = await self._made(self._rounds[0])
            hand_on(self._rounds.popleft())
        self._work = None

    @abstractmethod
    async def _made(self, made: Round[W]) -> HandOn[W]:
        """Make it; more may come to wait for it meanwhile."""
