"""Whoever follows the same chat shares its looks and executions, and is told what everybody alone is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.database.document import utc_now
from app.generations.events import EventType
from app.generations.model import Generation
from tests.api.sharing.chat_room import PLAIN, WITH_IMAGES, ChatRoom, Pair, opened_chat_room

_MORE_THAN_A_BUFFER = 70


@pytest.fixture
async def room(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[ChatRoom]:
    async with opened_chat_room(database, mongodb_url, tmp_path) as opened:
        yield opened


def _types(pair: Pair) -> list[str]:
    return [one["type"] for one in pair.told()]


async def _worked_on(room: ChatRoom) -> Generation:
    """A message that was answered, with all that is told of it, one after another."""
    generation = await room.sent()
    for kind in (EventType.STARTED, EventType.TEXT, EventType.TEXT, EventType.STAGE):
        await room.happens(generation, kind)
    await room.changed(generation)
    await room.happens(generation, EventType.SUCCEEDED)
    await room.quiet()
    return generation


@pytest.mark.parametrize("query", [PLAIN, WITH_IMAGES])
async def test_news_is_executed_once_for_all_who_are_level(room: ChatRoom, query: str) -> None:
    pairs = [await room.followed(query) for _ in range(4)]
    assert list(room.circles.sizes) == [4]
    await _worked_on(room)
    assert _types(pairs[0]) == ["SNAPSHOT", "MESSAGE", *["WORK"] * 5, "MESSAGE", "WORK"]
    assert len(room.circles.executed) == 8
    for pair in pairs:
        pair.check()


async def test_members_share_what_does_not_depend_on_them(room: ChatRoom) -> None:
    tokens = [room.token(), *(room.token(one) for one in room.member_ids)]
    pairs = [await room.followed(PLAIN, token=one) for one in tokens]
    assert list(room.circles.sizes) == [3]
    await _worked_on(room)
    assert len(room.circles.executed) == 8
    for pair in pairs:
        assert len(pair.told()) == 9
        pair.check()


@pytest.mark.parametrize("accept", ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"])
async def test_streams_and_sockets_share_one_circle(room: ChatRoom, accept: str) -> None:
    pair, stream = await room.followed(), room.stream(accept)
    async with asyncio.timeout(60):
        answering = asyncio.create_task(stream.run())
        await stream.shows("SNAPSHOT")
        await room.quiet()
        assert list(room.circles.sizes) == [2]
        await _worked_on(room)
        await stream.shows('"type":"SUCCEEDED"')
        assert len(room.circles.executed) == 8
        for one in pair.sharing.messages[1:]:
            assert json.dumps(one["payload"], separators=(",", ":")) in stream.text
        stream.leave()
        await answering
    pair.check()


async def test_late_joiner_with_replay_is_told_what_they_miss_and_then_shares(room: ChatRoom) -> None:
    since = utc_now().isoformat()
    first = await room.followed()
    generation = await room.sent()
    await room.happens(generation, EventType.STARTED)
    late = await room.followed(since=since)
    assert list(room.circles.sizes) == [2]
    for kind in (EventType.TEXT, EventType.STAGE):
        await room.happens(generation, kind)
    await room.quiet()
    executed = len(room.circles.executed)
    await room.changed(generation)
    await room.happens(generation, EventType.SUCCEEDED)
    await room.quiet()
    assert len(room.circles.executed) == executed + 2
    assert _types(first)[-5:] == ["WORK", "WORK", "WORK", "MESSAGE", "WORK"]
    assert _types(late)[-4:] == ["WORK", "WORK", "MESSAGE", "WORK"]
    for pair in (first, late):
        pair.check()


async def test_slow_reader_is_told_everything_and_others_do_not_wait(room: ChatRoom) -> None:
    quick, slow = await room.followed(), await room.followed()
    generation = await room.sent()
    slow.stop_reading()
    for _ in range(_MORE_THAN_A_BUFFER):
        await room.happens(generation, EventType.TEXT)
        count = 2 + generation.last_sequence
        for one in quick.both:
            await one.until(lambda one=one, count=count: len(one.messages) == count)
    slow.read()
    await room.quiet()
    await room.changed(generation)
    await room.happens(generation, EventType.SUCCEEDED)
    await room.quiet()
    for pair in (quick, slow):
        pair.check()
        numbers = [one["event"]["sequence"] for one in pair.told() if one["event"]]
        assert numbers == list(range(1, generation.last_sequence + 1))


async def test_message_and_end_come_in_order_to_who_takes_only_the_first_at_once(room: ChatRoom) -> None:
    other, slow = await room.followed(), await room.followed()
    generation = await room.sent()
    await room.changed(generation)
    slow.stop_reading()
    await room.happens(generation, EventType.SUCCEEDED)
    for one in other.both:
        await one.until(lambda one=one: len(one.messages) == 5)
    slow.read()
    await room.quiet()
    await room.happens(await room.sent())
    await room.quiet()
    for pair in (other, slow):
        assert _types(pair) == ["SNAPSHOT", "MESSAGE", "WORK", "MESSAGE", "WORK", "MESSAGE", "WORK", "WORK"]
        pair.check()


async def test_member_who_is_removed_ends_alone_and_at_once(room: ChatRoom) -> None:
    editor, viewer = room.member_ids
    owner, stays, removed = [await room.followed(token=room.token(one)) for one in (room.owner_id, editor, viewer)]
    await room.sent()
    await room.without(viewer)
    for one in removed.both:
        await one.until(lambda one=one: one.is_complete)
    await room.sent()
    for pair in (owner, stays, removed):
        pair.check()
    assert list(room.circles.sizes) == [2]
    assert (len(owner.told()), len(removed.told())) == (5, 3)


async def test_token_that_runs_out_ends_its_own_socket_alone(room: ChatRoom) -> None:
    other = await room.followed()
    short = await room.followed(token=room.token(lifetime=timedelta(seconds=3)))
    await room.sent()
    for one in short.both:
        await one.until(lambda one=one: one.closed == 4403)
    assert list(room.circles.sizes) == [1]
    await room.sent()
    for pair in (other, short):
        pair.check()


async def test_hole_and_what_was_missed_are_made_up_for_from_the_database(room: ChatRoom) -> None:
    pairs = [await room.followed() for _ in range(3)]
    generation = await room.sent()
    await room.write(generation)
    await room.happens(generation)
    await room.quiet()
    await room.write(generation)
    await room.changed(generation)
    room.parts.hub.followers.miss_all()
    await room.quiet()
    await room.happens(generation)
    await room.quiet()
    for pair in pairs:
        pair.check()
        assert [one["event"]["sequence"] for one in pair.told() if one["event"]] == [1, 2, 3, 4, 5]


async def test_failure_reaches_each_under_its_own_request(room: ChatRoom) -> None:
    pairs = [await room.followed(WITH_IMAGES) for _ in range(2)]
    generation = await room.sent()
    event = await room.write(generation)
    await Generation.rows().delete_one({"_id": generation.identity})
    await room.tell(generation, event)
    await room.quiet()
    errors = [one.messages[-1]["payload"]["errors"][0]["extensions"] for pair in pairs for one in pair.both]
    assert [one["code"] for one in errors] == ["NOT_FOUND"] * 4
    assert len({one["requestId"] for one in errors}) == 4


@pytest.mark.parametrize("ticks", range(0, 40, 5))
async def test_whoever_joins_in_the_middle_of_news_misses_nothing(room: ChatRoom, ticks: int) -> None:
    level = await room.followed()
    generation = await room.sent()
    late = room.subscribed(PLAIN, {"id": room.chat_id, "since": None})
    for _ in range(ticks):
        await asyncio.sleep(0)
    for kind in (EventType.STARTED, EventType.TEXT, EventType.STAGE):
        await room.happens(generation, kind)
        await asyncio.sleep(0)
    for one in late.both:
        await one.until(lambda one=one: one.messages)
    await room.quiet()
    await room.happens(generation)
    await room.quiet()
    for one in (*level.both, *late.both):  # what else they are told depends on when they looked
        numbers = [each["event"]["sequence"] for each in Pair(one, one).told() if each["event"]]
        assert numbers == list(range(numbers[0], 6))
        assert numbers[0] == 1 or one in late.both
