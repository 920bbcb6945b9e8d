"""Plays tasks against each other, in any order of their steps."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field

from app.errors import AppError


@dataclass
class Conductor:
    """Lets one of several tasks go on at a time, from a gate to its next."""

    waiting: list[asyncio.Future[None]] = field(default_factory=list[asyncio.Future[None]])
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def gate(self, place: str) -> None:
        """Wait for one's turn."""
        if place.startswith("tidy"):
            return
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        self.arrived.set()
        await turn

    async def play(self, parts: Sequence[Coroutine[None, None, object]], order: Sequence[int]) -> list[object]:
        """Run them to their ends: at each turn the next number of `order` picks one, at last the first."""
        tasks = [asyncio.create_task(self._from_start(part)) for part in parts]
        picks = iter(order)
        while not all(task.done() for task in tasks):
            while len(self.waiting) < sum(not task.done() for task in tasks):
                await self._moved(tasks)
            if self.waiting:
                self.waiting.pop(next(picks, 0) % len(self.waiting)).set_result(None)
                await asyncio.sleep(0)
        return [task.result() for task in tasks]

    async def _from_start(self, part: Coroutine[None, None, object]) -> object:
        await self.gate("start")
        try:
            return await part
        except AppError as error:
            return error

    async def _moved(self, tasks: Sequence[asyncio.Task[object]]) -> None:
        self.arrived.clear()
        running = [task for task in tasks if not task.done()]
        reached = asyncio.create_task(self.arrived.wait())
        await asyncio.wait([*running, reached], return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
