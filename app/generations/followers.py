"""Who follows which generation in this process, each with a bounded buffer of its own."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from beanie import PydanticObjectId

from app.generations.events import GenerationEvent

_BUFFERED_EVENTS = 64


@dataclass(eq=False, slots=True)
class Follower:
    """A bounded buffer; where something did not fit or was lost, a null stands for all that was missed."""

    _events: deque[GenerationEvent] = field(default_factory=deque[GenerationEvent])
    _missed: bool = False
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, event: GenerationEvent) -> None:
        """Keep the event, or, where the buffer is full, forget all of it for one null."""
        if len(self._events) >= _BUFFERED_EVENTS:
            self.miss()
        else:
            self._events.append(event)
            self._bell.set()

    def miss(self) -> None:
        """Something was lost: what is read next is a null."""
        self._events.clear()
        self._missed = True
        self._bell.set()

    async def events(self, recheck_s: float) -> AsyncIterator[GenerationEvent | None]:
        """What was offered, for ever; null where events were missed and after each `recheck_s` seconds of silence."""
        while True:
            try:
                async with asyncio.timeout(recheck_s):
                    await self._bell.wait()
            except TimeoutError:
                yield None
                continue
            self._bell.clear()
            if self._missed:
                self._missed = False
                yield None
            while self._events:
                yield self._events.popleft()


@dataclass(slots=True)
class Followers:
    """The followers of this process by generation; a slow one never slows another."""

    _of: dict[PydanticObjectId, set[Follower]] = field(default_factory=dict[PydanticObjectId, set[Follower]])

    @property
    def count(self) -> int:
        """How many follow something now."""
        return sum(map(len, self._of.values()))

    @property
    def followed(self) -> tuple[PydanticObjectId, ...]:
        """The generations that somebody follows."""
        return tuple(self._of)

    def offer(self, generation_id: PydanticObjectId, event: GenerationEvent) -> None:
        """Hand the event to each follower of the generation."""
        for follower in self._of.get(generation_id, ()):
            follower.offer(event)

    def miss(self, generation_id: PydanticObjectId) -> None:
        """Tell each follower of the generation that something was lost."""
        for follower in self._of.get(generation_id, ()):
            follower.miss()

    @contextmanager
    def joined(self, generation_id: PydanticObjectId) -> Generator[Follower]:
        """While entered, one more follower of the generation."""
        follower = Follower()
        self._of.setdefault(generation_id, set()).add(follower)
        try:
            yield follower
        finally:
            others = self._of[generation_id]
            others.discard(follower)
            if not others:
                del self._of[generation_id]
