"""The devices of whoever follows a dream share its looks and executions, and are told what each alone is told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.database.document import utc_now
from app.dreams.deletion import delete_forever
from app.dreams.following import wake
from app.dreams.model import Dream, Making
from app.generations.events import EventType, GenerationEvent
from tests.api.sharing.chat_room import ChatRoom, Pair, opened_chat_room
from tests.chats.studio import recipe
from tests.dreams.dreams import dream_of

_UPDATES = "subscription ($id: ID!) { dreamUpdates(dreamId: $id) { dream { id text mood } narrative } }"
_DEVICES = 3


@pytest.fixture
async def room(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[ChatRoom]:
    async with opened_chat_room(database, mongodb_url, tmp_path) as opened:
        yield opened


async def _followed(room: ChatRoom, dream: Dream) -> Pair:
    pair = room.subscribed(_UPDATES, {"id": global_id("Dream", dream.identity)})
    for one in pair.both:
        await one.until(lambda one=one: one.messages)
    await room.quiet()
    return pair


async def _changed(room: ChatRoom, dream: Dream, **changes: Any) -> None:
    change = {"$set": {"changedAt": utc_now(), **changes}, "$inc": {"revision": 1}}
    await Dream.rows().update_one({"_id": dream.identity}, change)
    await wake(room.parts.hub, room.owner_id, [dream.identity])
    await room.quiet()


async def test_change_is_executed_once_for_all_devices(room: ChatRoom) -> None:
    dream = dream_of(room.owner_id)
    await dream.insert()
    devices = [await _followed(room, dream) for _ in range(_DEVICES)]
    assert list(room.circles.sizes) == [_DEVICES]
    await _changed(room, dream, mood="calm")
    await wake(room.parts.hub, room.owner_id, [dream.identity, PydanticObjectId()])
    await room.quiet()
    await _changed(room, dream, mood="wild")
    for pair in devices:
        assert [one["dream"]["mood"] for one in pair.told()] == [dream.mood, "calm", "wild"]
        pair.check()
    assert len(room.circles.executed) == 2


async def test_narrative_is_executed_once_also_to_who_came_late_or_reads_slowly(room: ChatRoom) -> None:
    work, dream = PydanticObjectId(), dream_of(room.owner_id, interpretation=None, illustration=None)
    dream.making = Making(generation_id=work, recipe=recipe(), key=None)
    await dream.insert()
    devices = [await _followed(room, dream) for _ in range(_DEVICES)]
    devices[0].stop_reading()
    for number in range(1, 5):
        text = f"So far {number}"
        event = GenerationEvent(sequence=number, type=EventType.TEXT, at=utc_now(), text=text)
        await room.parts.hub.publish(room.owner_id, work, event)
        for one in devices[1].both:
            await one.until(lambda one=one, number=number: len(one.messages) == 1 + number)
    devices[0].read()
    await room.quiet()
    for pair in devices:
        assert [one["narrative"] for one in pair.told()] == [None, *(f"So far {number}" for number in range(1, 5))]
        pair.check()


async def test_dream_that_is_deleted_ends_for_all(room: ChatRoom) -> None:
    dream = dream_of(room.owner_id)
    await dream.insert()
    devices = [await _followed(room, dream) for _ in range(_DEVICES)]
    await delete_forever([dream])
    await wake(room.parts.hub, room.owner_id, [dream.identity])
    for pair in devices:
        for one in pair.both:
            await one.until(lambda one=one: one.is_complete)
        pair.check()
    assert list(room.circles.sizes) == []
