"""Whoever follows the same shares its executions, and notices nothing of the others."""

import asyncio

import pytest

from app.generations.events import EventType
from tests.api.sharing.room import PROGRESS, Room


async def test_members_of_a_group_are_told_the_same_at_once(room: Room) -> None:
    members = [await room.followed() for _ in range(3)]
    assert room.sizes == [3]
    await room.happens()
    for one in members:
        await one.shows(1, 2)
    assert len({one.texts[-1] for one in members}) == 1


async def test_everybody_ends_with_the_last_event_and_leaves_nothing(room: Room) -> None:
    members = [await room.followed() for _ in range(3)]
    await room.happens(EventType.SUCCEEDED)
    for one in members:
        await one.until(lambda one=one: one.is_complete)
        assert one.sequences == [1, 2]
    await room.empty()
