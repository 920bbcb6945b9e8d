"""Finds what a crash, a lost ring or a lost connection left behind, and puts it right; safe in many copies at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from beanie import PydanticObjectId

from app.database.document import utc_now
from app.generations.backlog import due, owners_of_unsettled, running, settled_or_missing, trim
from app.generations.lanes import Lane
from app.generations.ports import WorkQueue
from app.generations.slots import ProviderSlots
from app.generations.switch import Switch, Turn
from app.logs import logger

_log = logger(__name__)
_TURN = 0.9
"""Of the time until the next round: a process that is a little early does not have to leave that one out."""


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
        """For ever."""
        duties = (Chore("rings", self.every_s, self.sweep), *self.chores)
        next_s = dict.fromkeys(duties, 0.0)
        loop = asyncio.get_running_loop()
        while True:
            try:
                self.switch.off = await Turn.draining()
                for duty in duties:
                    if loop.time() >= next_s[duty] and await Turn.take(duty.name, _TURN * duty.every_s):
                        next_s[duty] = loop.time() + duty.every_s
                        await duty.run()
            except Exception:  # noqa: BLE001 - the database may be away; the next round tries again
                _log.exception("sweep_failed")
            await asyncio.sleep(self.every_s)

    async def sweep(self) -> None:
        """One round: everything unsettled is in its owner's lane, and what is due at the head of a lane is rung for."""
        ready = await due(self.every_s)
        unsettled = await owners_of_unsettled()
        lanes = {lane.identity: lane.open for lane in await Lane.all_busy()}
        await self._admit_strays(unsettled, lanes)
        await self._drop_stale(unsettled, lanes)
        for waiting in lanes.values():
            for generation_id in waiting[: self.window]:
                if generation_id in ready:
                    await self.queue.ring(generation_id)
        await _free_dead_slots()

    async def _admit_strays(
        self, unsettled: dict[PydanticObjectId, PydanticObjectId], lanes: dict[PydanticObjectId, list[PydanticObjectId]]
    ) -> None:
        """Put into its lane what is in none; it is rung for in the next round."""
        strays = [one for one, owner_id in unsettled.items() if one not in lanes.get(owner_id, ())]
        over = await settled_or_missing(strays)  # between the two reads they may have ended and left
        for generation_id in strays:
            if generation_id not in over:
                await Lane.admit(unsettled[generation_id], generation_id)
                _log.warning("stray_admitted", generation=str(generation_id))

    async def _drop_stale(
        self, unsettled: dict[PydanticObjectId, PydanticObjectId], lanes: dict[PydanticObjectId, list[PydanticObjectId]]
    ) -> None:
        """Take out of the lanes what is over, or was never accepted."""
        suspects = [one for waiting in lanes.values() for one in waiting if one not in unsettled]
        over = await settled_or_missing(suspects)
        for owner_id, waiting in lanes.items():
            if gone := [one for one in waiting if one in over]:
                for admitted in await Lane.leave(owner_id, gone, self.window):
                    await self.queue.ring(admitted)


async def _free_dead_slots() -> None:
    """Give back the slots of attempts that are over: their worker was killed in the middle of a call."""
    taken = await ProviderSlots.all_taken()
    alive = await running([slot.generation_id for _, slot in taken])
    for provider, slot in taken:
        if alive.get(slot.generation_id) != slot.attempt:
            await ProviderSlots.give_back(provider, [slot.id])


def trimming(after_s: float, every_s: float) -> Chore:
    """Trims the events of generations that ended more than `after_s` seconds ago down to the last one."""

    async def run() -> None:
        await trim(utc_now() - timedelta(seconds=after_s))

    return Chore("events", every_s, run)
