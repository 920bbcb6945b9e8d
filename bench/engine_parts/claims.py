"""From the start of a generation to the first line of its job."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.generations.followers import Follower
from bench.engine_parts.figures import Waits
from bench.engine_parts.jobs import STAMPED, recipe
from bench.engine_parts.sides import Side

_WARM, _COUNT = 10, 100
_IDLE_AT_MOST_S = 4
_PAUSE_S = 0.01
_STREAM_EVERY_S = 0.04
_STREAMED = 100
_OWNERS = 50


@dataclass(frozen=True, slots=True)
class _Started:
    """When `start` was called, and when it had returned."""

    generation_id: str
    called_s: float
    returned_s: float


@dataclass(frozen=True, slots=True)
class Claims:
    """Lines of the table; `lost` were not started or not claimed, because the database was too slow."""

    lines: Sequence[Waits]
    lost: int


@dataclass(frozen=True, slots=True)
class _Run:
    started: list[_Started] = field(default_factory=list[_Started])

    async def start(self, side: Side, owner_id: PydanticObjectId) -> None:
        called_s = time.monotonic()
        with suppress(PyMongoError):
            generation = await side.engine.generations.start(owner_id, STAMPED, recipe(), None)
            self.started.append(_Started(str(generation.identity), called_s, time.monotonic()))


async def idle(side: Side, target: str) -> Claims:
    """Each begins a moment after the one before has ended."""
    owner_id, run = PydanticObjectId(), _Run()
    async with side.engine.hub.follow(owner_id, None) as follower:
        for _ in range(_WARM):
            await _Run().start(side, owner_id)
            await _ended(follower)
        end_s = time.monotonic() + _IDLE_AT_MOST_S
        while len(run.started) < _COUNT and time.monotonic() < end_s:
            await run.start(side, owner_id)
            await _ended(follower)
    return await _claims(side, "idle", target, run.started, len(run.started))


async def stream(side: Side, target: str) -> Claims:
    """They begin at moments that don't know of each other."""
    run, owners = _Run(), [PydanticObjectId() for _ in range(_OWNERS)]
    chance = random.Random(1)  # noqa: S311 - the same stream each time, no secret
    async with asyncio.TaskGroup() as group:
        for number in range(_STREAMED):
            group.create_task(run.start(side, owners[number % _OWNERS]))
            await asyncio.sleep(chance.expovariate(1 / _STREAM_EVERY_S))
    return await _claims(side, f"stream of {1 / _STREAM_EVERY_S:.0f}/s", target, run.started, _STREAMED)


async def _ended(follower: Follower) -> None:
    async for news in follower.news():
        if news is None or news.event.type.terminal:
            break
    await asyncio.sleep(_PAUSE_S)


async def _claims(side: Side, how: str, target: str, started: Sequence[_Started], asked: int) -> Claims:
    seen = await side.seen_of({one.generation_id for one in started})
    done = [one for one in started if one.generation_id in seen.claimed_s]
    heard_s = [seen.heard_s[one.generation_id] - one.returned_s for one in done]
    claimed_s = [seen.claimed_s[one.generation_id] - one.returned_s for one in done]
    whole_s = [seen.claimed_s[one.generation_id] - one.called_s for one in done]
    lines = [
        Waits(f"{side.name}, {how}: start returned → ring heard", heard_s),
        Waits(f"{side.name}, {how}: start returned → job", claimed_s, target),
        Waits(f"{side.name}, {how}: start called → job", whole_s),
    ]
    return Claims(lines, asked - len(done))
