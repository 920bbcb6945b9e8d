"""From an event that is written to its follower."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.generations.following import progress
from app.generations.model import Generation
from bench.engine_parts.figures import Waits
from bench.engine_parts.jobs import STAMPED, Told, recipe
from bench.engine_parts.sides import Side

_WRITERS = 20
_LASTS_S = 2
_BEGIN_S = 1
_WITHIN_S = 60

type _Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What was asked and reached, in events a second, and the lines of the table."""

    asked: int
    reached: float
    lines: Sequence[Waits]


async def deliveries(side: Side, a_second: int, target: str) -> Deliveries:
    """20 generations tell new stages, each followed by one."""
    received_s: dict[_Key, float] = {}
    started = await _started(side, a_second)
    async with asyncio.timeout(_WITHIN_S), asyncio.TaskGroup() as group:
        for generation in started:
            group.create_task(_follow(side, generation, received_s))
    told = (await side.seen_of({str(one.identity) for one in started})).told
    took_s = max(one.written_s for one in told) - min(one.called_s for one in told)
    return Deliveries(
        a_second, (len(told) - 1) / took_s, _lines(f"{side.name}, {a_second}/s", told, received_s, target)
    )


async def _started(side: Side, a_second: int) -> list[Generation]:
    begin_s = time.monotonic() + _BEGIN_S
    pace = {"begin_s": str(begin_s), "end_s": str(begin_s + _LASTS_S), "every_s": str(_WRITERS / a_second)}
    start = side.engine.generations.start
    return [await start(PydanticObjectId(), STAMPED, recipe(**pace), None) for _ in range(_WRITERS)]


async def _follow(side: Side, generation: Generation, received_s: dict[_Key, float]) -> None:
    async for event in progress(side.engine.hub, generation.owner_id, generation.identity, 0):
        received_s[str(generation.identity), event.sequence] = time.monotonic()


def _lines(label: str, told: Sequence[Told], received_s: dict[_Key, float], target: str) -> list[Waits]:
    got = [(one, received_s[one.generation_id, one.sequence]) for one in told]
    return [
        Waits(f"{label}: written → received", [at_s - one.written_s for one, at_s in got], target),
        Waits(f"{label}: stage called → received", [at_s - one.called_s for one, at_s in got]),
    ]
