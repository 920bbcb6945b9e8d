"""Finds what a crash, a lost ring or a lost connection left behind, and puts it right; safe in many copies at once."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.database.document import utc_now
from app.generations.backlog import LetGo, due, ended_or_missing, running, trim, unsettled
from app.generations.lanes import Lane
from app.generations.ports import WorkQueue
from app.generations.slots import ProviderSlots
from app.generations.switch import Switch, Turn
from app.logs import logger

_log = logger(__name__)
_TURN = 0.9
"""Of the time until the next round: a process that is a little early does not have to leave that one out."""

type Owners = dict[PydanticObjectId, PydanticObjectId]
type Lanes = dict[PydanticObjectId, list[PydanticObjectId]]


@dataclass(frozen=True, slots=True)
class Chore:
    """Something that one process at a time does, every so many seconds."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Rings for what waits too long, mends the lanes, frees dead slots, does `chores`.

    `window`: how many of an owner are rung for at once. `switch` follows what all processes agree on.
    """

    queue: WorkQueue
    window: int
    every_s: float = 5
    switch: Switch = field(default_factory=Switch)
    chores: Sequence[Chore] = ()

    async def run(self) -> None:
        """For ever: each duty in a task of its own, so that none waits for another."""
        duties = (Chore("rings", self.every_s, self.sweep), *self.chores)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_switch())
            for duty in duties:
                group.create_task(self._do(duty))

    async def _follow_switch(self) -> None:
        while True:
            with _borne("switch"):
                self.switch.off = await Turn.draining()
            await asyncio.sleep(self.every_s)

    async def _do(self, chore: Chore) -> None:
        """Whenever it is this process's turn."""
        while True:
            with _borne(chore.name):
                if await Turn.take(chore.name, _TURN * chore.every_s):
                    await chore.run()
            await asyncio.sleep(chore.every_s)

    async def sweep(self) -> None:
        """One round: all that is open is in its owner's lane, and what is due at the head of a lane is rung for."""
        ready = await due(self.every_s)
        owners, unwritten = await unsettled()
        lanes = {lane.identity: lane.open for lane in await Lane.all_busy()}
        await self._admit_strays(owners, lanes)
        await self._drop_stale(owners, lanes)
        heads = [generation_id for waiting in lanes.values() for generation_id in waiting[: self.window]]
        for generation_id in (*unwritten, *heads):
            if generation_id in ready:
                await self.queue.ring(generation_id)
        await _free_dead_slots()

    async def _admit_strays(self, owners: Owners, lanes: Lanes) -> None:
        """Put into its lane what is in none; it is rung for in the next round."""
        strays = [one for one, owner_id in owners.items() if one not in lanes.get(owner_id, ())]
        over = await ended_or_missing(strays)  # between the two reads they may have ended and left
        for generation_id in strays:
            if generation_id not in over:
                await Lane.admit(owners[generation_id], generation_id)
                _log.warning("stray_admitted", generation=str(generation_id))

    async def _drop_stale(self, owners: Owners, lanes: Lanes) -> None:
        """Take out of the lanes what is over, or was never accepted."""
        suspects = [one for waiting in lanes.values() for one in waiting if one not in owners]
        over = await ended_or_missing(suspects)
        for owner_id, waiting in lanes.items():
            if gone := [one for one in waiting if one in over]:
                for admitted in await Lane.leave(owner_id, gone, self.window):
                    await self.queue.ring(admitted)


@contextmanager
def _borne(name: str) -> Generator[None]:
    """Log what goes wrong inside: the next round tries again."""
    try:
        yield
    except PyMongoError as error:  # the database may be away
        _log.warning("sweep_failed", chore=name, reason=type(error).__name__)
    except Exception:  # noqa: BLE001 - the others must go on, and so must this one
        _log.exception("sweep_failed", chore=name)


async def _free_dead_slots() -> None:
    """Give back the slots of attempts that are over: their worker was killed in the middle of a call.

    One whose lease ran out may still be calling, while the database is away: its slot is over at its own time.
    """
    taken = await ProviderSlots.all_taken()
    alive = await running([slot.generation_id for _, slot in taken])
    for provider, slot in taken:
        if alive.get(slot.generation_id) != slot.attempt:
            await ProviderSlots.give_back(provider, [slot.id])


def trimming(after_s: float, every_s: float, let_go: LetGo) -> Chore:
    """Trims the events of generations that ended more than `after_s` seconds ago down to the last one."""

    async def run() -> None:
        await trim(utc_now() - timedelta(seconds=after_s), let_go)

    return Chore("events", every_s, run)
