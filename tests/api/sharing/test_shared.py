"""Whoever follows the same shares its executions, and notices nothing of the others."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from app.database.document import utc_now
from app.generations.events import EventType
from app.generations.model import Generation
from tests.api.sharing.room import EVERYTHING, PROGRESS, WITH_GENERATION, Room, Subscriber

_MORE_THAN_A_BUFFER = 70


async def _ended(subscriber: Subscriber) -> None:
    await subscriber.until(lambda: subscriber.is_complete)


async def test_event_is_executed_and_encoded_once_for_all_who_are_level(room: Room) -> None:
    members = [await room.followed(query=WITH_GENERATION) for _ in range(5)]
    for _ in range(3):
        await room.happens()
    for one in members:
        await one.shows(1, 2, 3, 4)
    assert (room.sizes, room.groups.executed) == ([5], [2, 3, 4])
    assert len({tuple(one.texts[2:]) for one in members}) == 1


async def test_first_message_is_a_members_own_and_says_what_it_costs(room: Room) -> None:
    members = [await room.followed(after=1) for _ in range(3)]
    await room.happens()
    for one in members:
        await one.shows(2)
        assert one.messages[0]["payload"]["extensions"]["cost"]["requested"] > 0
    assert room.groups.executed == []
    await room.quiet()
    await room.happens()
    for one in members:
        await one.until(lambda one=one: one.sequences == [2, 3])
        assert "extensions" not in one.messages[1]["payload"]
    assert room.groups.executed == [3]


async def test_everybody_ends_with_the_last_event_and_leaves_nothing(room: Room) -> None:
    before = asyncio.all_tasks()
    members = [await room.followed() for _ in range(3)]
    await room.happens(EventType.SUCCEEDED)
    for one in members:
        await _ended(one)
        assert one.sequences == [1, 2]
        assert one.messages[-1] == {"id": "1", "type": "complete"}
    await room.empty()
    assert room.groups.executed == [2]
    for one in members:
        one.leave()
    async with asyncio.timeout(10):
        while asyncio.all_tasks() - before:  # noqa: ASYNC110 - the sockets' own
            await asyncio.sleep(0)


@pytest.mark.parametrize("other", [{"host": "other.test"}, {"query": PROGRESS.replace("percent", "stage")}])
async def test_what_is_asked_otherwise_is_not_shared(room: Room, other: dict[str, Any]) -> None:
    members = [await room.followed(), await room.followed(**other)]
    assert room.sizes == [1, 1]
    await room.happens()
    for one in members:
        await one.shows(1, 2)
    assert room.groups.executed == [2, 2]


async def test_variables_tell_groups_apart_unless_they_only_say_where_to_begin(room: Room) -> None:
    query = PROGRESS.replace("$after: Int", "$after: Int, $long: Boolean!").replace("at ", "at @include(if: $long) ")
    for after, long in ((0, True), (1, True), (1, False)):
        one = room.subscriber()
        one.subscribe(query, {"id": room.id, "after": after, "long": long})
    while room.parts.hub.followers.count < 3:  # noqa: ASYNC110 - a follower has no event for it
        await asyncio.sleep(0)
    assert room.sizes == [1, 2]


async def test_literal_that_only_says_where_to_begin_tells_no_groups_apart(room: Room) -> None:
    members = [await room.followed()]
    for after in (0, 1):
        query = PROGRESS.replace(", $after: Int", "").replace("after: $after", f"after: {after}")
        members.append(await room.followed(after, query))
    while room.parts.hub.followers.count < 3:  # noqa: ASYNC110 - a follower has no event for it
        await asyncio.sleep(0)
    assert room.sizes == [1, 2]
    await room.quiet()
    await room.happens()
    for one, begun in zip(members, (0, 0, 1), strict=True):
        await one.shows(*range(begun + 1, 3))
    assert room.groups.executed == [2, 2]  # the last one's first message is its own


async def test_viewers_of_one_project_share_what_does_not_depend_on_them(room: Room) -> None:
    token = room.token(await room.with_member())
    for query in (PROGRESS, WITH_GENERATION):
        members = [await room.followed(query=query), await room.followed(query=query, token=token)]
        assert room.sizes == ([2] if query == PROGRESS else [1, 1])
        for one in members:
            one.leave()
        await room.empty()


async def test_removed_member_leaves_alone(room: Room) -> None:
    removed_id = await room.with_member()
    owner, removed = await room.followed(), await room.followed(token=room.token(removed_id))
    assert room.sizes == [2]
    await room.without_members()
    await room.happens()
    await owner.shows(1, 2)
    await _ended(removed)
    assert removed.sequences == [1]
    assert room.sizes == [1]
    await room.happens()
    await owner.shows(1, 2, 3)


async def test_token_that_runs_out_ends_its_own_socket_alone(room: Room) -> None:
    other = await room.followed()
    short = await room.followed(token=room.token(lifetime=timedelta(seconds=2)))
    assert room.sizes == [2]
    await short.until(lambda: short.closed == 4403)
    short.closed = None
    assert room.sizes == [1]
    await room.happens()
    await other.shows(1, 2)
    assert short.sequences == [1]


async def test_account_that_is_erased_ends_its_own_socket_alone(room: Room) -> None:
    erased_id = await room.with_member()
    other, erased = await room.followed(), await room.followed(token=room.token(erased_id))
    now = utc_now()
    room.parts.services.accounts.erasures.erased.learn({erased_id: now}, now - timedelta(minutes=1))
    await erased.until(lambda: erased.closed == 4403)
    erased.closed = None
    assert room.sizes == [1]
    await room.happens()
    await other.shows(1, 2)


async def test_operation_that_is_completed_hears_nothing_more_also_under_the_same_id(room: Room) -> None:
    other, leaving = await room.followed(), await room.followed()
    leaving.complete()
    leaving.subscribe(PROGRESS, {"id": room.id, "after": 1})
    await room.happens()
    await other.shows(1, 2)
    await leaving.shows(1, 2)
    assert [one.get("extensions") is not None for one in (m["payload"] for m in leaving.messages)] == [True, True]


async def test_failure_reaches_each_under_its_own_request(room: Room) -> None:
    members = [await room.followed(query=WITH_GENERATION) for _ in range(3)]
    event = await room.write()
    await Generation.rows().delete_one({"_id": room.generation.identity})
    await room.tell(event)
    for one in members:
        await one.until(lambda one=one: len(one.messages) == 2)
    errors = [one.messages[1]["payload"]["errors"][0]["extensions"] for one in members]
    assert [one["code"] for one in errors] == ["NOT_FOUND"] * 3
    assert len({one["requestId"] for one in errors}) == 3


async def test_slow_reader_is_bounded_and_gets_everything_and_others_do_not_wait(room: Room) -> None:
    quick, slow = await room.followed(), await room.followed()
    slow.stop_reading()
    async for event in room.many_happen(_MORE_THAN_A_BUFFER):
        await quick.until(lambda event=event: quick.sequences[-1] == event.sequence)
    assert slow.sequences == [1]
    slow.read()
    everything = list(range(1, _MORE_THAN_A_BUFFER + 2))
    await slow.shows(*everything)
    assert quick.sequences == everything
    await room.quiet()
    await room.happens()
    await slow.shows(*everything, everything[-1] + 1)


async def test_server_that_stops_waits_for_what_a_slow_reader_has_not_taken(room: Room) -> None:
    quick, slow = await room.followed(), await room.followed()
    slow.stop_reading()
    await room.happens()
    await quick.shows(1, 2)
    assert room.groups.executed == [2]
    assert not room.parts.hub.followers.idle
    slow.read()
    await slow.shows(1, 2)
    await room.quiet()


async def test_lost_message_is_made_up_for_from_the_database(room: Room) -> None:
    members = [await room.followed() for _ in range(3)]
    await room.write()
    await room.happens()
    for one in members:
        await one.shows(1, 2, 3)
    await room.write()
    room.parts.hub.followers.miss_all()
    for one in members:
        await one.shows(1, 2, 3, 4)
    await room.quiet()
    await room.happens()
    for one in members:
        await one.shows(1, 2, 3, 4, 5)
    assert room.groups.executed[-1] == 5


async def test_everything_of_a_viewer_is_shared_by_their_devices(room: Room) -> None:
    devices = [room.subscriber() for _ in range(3)]
    for one in devices:
        one.subscribe(EVERYTHING, {})
        await one.shows(1)
    await room.quiet()
    assert room.sizes == [3]
    for kind in (EventType.STARTED, EventType.SUCCEEDED):
        await room.happens(kind)
    for one in devices:
        await one.shows(1, 2, 3)
        assert not one.is_complete
    assert room.groups.executed == [2, 3]


@pytest.mark.parametrize("accept", ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"])
async def test_streams_and_sockets_share_one_group(room: Room, accept: str) -> None:
    socket, stream = await room.followed(), room.stream(accept)
    async with asyncio.timeout(30):
        answering = asyncio.create_task(stream.run())
        await stream.shows('"sequence":1')
        await room.quiet()
        assert room.sizes == [2]
        await room.happens()
        await socket.shows(1, 2)
        await stream.shows('"sequence":2')
        assert room.groups.executed == [2]
        payload = json.dumps(socket.messages[1]["payload"], separators=(",", ":"))
        assert payload in stream.text
        await room.happens(EventType.SUCCEEDED)
        await answering
    assert stream.text.endswith("event: complete\ndata:\n\n" if "event" in accept else "--\r\n")
    await room.empty()
