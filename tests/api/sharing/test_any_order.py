"""In whatever order things happen: who shares executions is sent, to the letter, what everybody alone is sent."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.generations.events import EventType
from tests.api.sharing.room import PROGRESS, Room, Subscriber

_PAIRS = 3
_MORE_THAN_A_BUFFER = 70


@dataclass
class Pair:
    """Two who do the same at the same time, one where executions are shared and one where none is."""

    room: Room
    sharing: Subscriber
    alone: Subscriber

    @classmethod
    def joined(cls, room: Room, after: int) -> "Pair":
        pair = cls(room, room.subscriber(), room.subscriber(alone=True))
        pair._subscribe(after)
        return pair

    def _subscribe(self, after: int) -> None:
        for one in (self.sharing, self.alone):
            one.subscribe(PROGRESS, {"id": self.room.id, "after": after})

    def stop_reading(self) -> None:
        for one in (self.sharing, self.alone):
            one.stop_reading()

    def read(self) -> None:
        for one in (self.sharing, self.alone):
            one.read()

    async def to_the_end(self) -> None:
        """Both have been sent the same, and everything once."""
        for one in (self.sharing, self.alone):
            await one.until(lambda one=one: one.is_complete)
            first = one.sequences[0]
            assert one.sequences == list(range(first, self.room.sequence + 1))
        assert self.sharing.texts == self.alone.texts


class Step(StrEnum):
    """What happens next; a number says how often, or to whom."""

    HAPPENS = "HAPPENS"
    IS_WRITTEN_ONLY = "IS_WRITTEN_ONLY"
    IS_MISSED = "IS_MISSED"
    JOIN = "JOIN"
    STOP_READING = "STOP_READING"
    READ = "READ"
    TIME_PASSES = "TIME_PASSES"
    ALL_IS_QUIET = "ALL_IS_QUIET"


async def _happens(room: Room, _: list[Pair], number: int) -> None:
    async for __ in room.many_happen(number + 1):
        pass


async def _is_written_only(room: Room, _: list[Pair], __: int) -> None:
    await room.write()


async def _is_missed(room: Room, _: list[Pair], __: int) -> None:
    room.parts.hub.followers.miss_all()


async def _join(room: Room, pairs: list[Pair], number: int) -> None:
    if len(pairs) < _PAIRS:
        pairs.append(Pair.joined(room, number % room.sequence))


async def _stop_reading(_: Room, pairs: list[Pair], number: int) -> None:
    if pairs:
        pairs[number % len(pairs)].stop_reading()


async def _read(_: Room, pairs: list[Pair], number: int) -> None:
    if pairs:
        pairs[number % len(pairs)].read()


async def _time_passes(_: Room, __: list[Pair], number: int) -> None:
    for ___ in range(number):
        await asyncio.sleep(0)


async def _all_is_quiet(room: Room, pairs: list[Pair], _: int) -> None:
    for pair in pairs:
        pair.read()
    while room.parts.hub.followers.count < 2 * len(pairs):  # noqa: ASYNC110 - a follower has no event for it
        await asyncio.sleep(0)
    await room.quiet()


_DO = MappingProxyType(
    {
        Step.HAPPENS: _happens,
        Step.IS_WRITTEN_ONLY: _is_written_only,
        Step.IS_MISSED: _is_missed,
        Step.JOIN: _join,
        Step.STOP_READING: _stop_reading,
        Step.READ: _read,
        Step.TIME_PASSES: _time_passes,
        Step.ALL_IS_QUIET: _all_is_quiet,
    }
)
_STEPS = st.lists(st.tuples(st.sampled_from(Step), st.integers(0, 7)), max_size=25)
_LEVEL = [(Step.JOIN, 0), (Step.JOIN, 0), (Step.ALL_IS_QUIET, 0)]
_OVERFLOW = [(Step.HAPPENS, _MORE_THAN_A_BUFFER)]


_ORDERS = (
    [*_LEVEL, (Step.STOP_READING, 0), *_OVERFLOW, (Step.READ, 0)],
    [*_LEVEL, *_OVERFLOW, (Step.JOIN, 7), (Step.HAPPENS, 3)],
    [*_LEVEL, (Step.IS_WRITTEN_ONLY, 0), (Step.HAPPENS, 0), (Step.TIME_PASSES, 3), (Step.HAPPENS, 2)],
)


async def _check(room: Room, steps: Sequence[tuple[Step, int]]) -> None:
    pairs = [Pair.joined(room, 0)]
    for step, number in steps:
        await _DO[step](room, pairs, number)
    await _all_is_quiet(room, pairs, 0)
    await room.happens(EventType.SUCCEEDED)
    for pair in pairs:
        await pair.to_the_end()
    assert room.groups.executed == sorted(set(room.groups.executed))
    assert room.groups.executed[-1] == room.sequence


@pytest.mark.parametrize("steps", _ORDERS)
async def test_slow_and_late_ones_are_sent_what_everybody_alone_is_sent(
    room: Room, steps: Sequence[tuple[Step, int]]
) -> None:
    await _check(room, steps)


@pytest.mark.long
@pytest.mark.timeout(600)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
async def test_any_order_sends_what_everybody_alone_is_sent(room: Room, steps: list[tuple[Step, int]]) -> None:
    await room.renew()
    await _check(room, steps)


@pytest.mark.parametrize("ticks", range(12))
async def test_whoever_joins_in_the_middle_of_an_event_misses_nothing(room: Room, ticks: int) -> None:
    """However far the group has come with it: each cut is a few turns of the loop later."""
    level = await room.followed()
    late = room.subscriber()
    late.subscribe(PROGRESS, {"id": room.id, "after": 0})
    for _ in range(3 * ticks):
        await asyncio.sleep(0)
    await room.happens()
    await asyncio.sleep(0)
    await room.happens()
    for one in (level, late):
        await one.shows(1, 2, 3)
    await room.quiet()
    await room.happens()
    for one in (level, late):
        await one.shows(1, 2, 3, 4)
    assert room.groups.executed[-1] == 4
