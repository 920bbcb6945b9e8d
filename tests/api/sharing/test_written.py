"""What a group writes to real sockets is, byte for byte and in its order, what each would be sent by its own task."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, override

import pytest

from app.database.document import utc_now
from app.generations.events import EventType
from app.patience import Sockets
from app.serving import server_config
from tests.api.sharing.line import Line, message_of
from tests.api.sharing.room import PROGRESS, Room
from tests.api.site import serving

_SHORT = "subscription ($id: ID!, $after: Int) { generationProgress(id: $id, after: $after) { sequence } }"
_SHORTEST = len('{"id":"","type":"next","payload":{"data":{"generationProgress":{"sequence":2}}}}')
_MESSAGE_BYTES = (125, 126, 0xFFFF, 0x10000)
"""Where the frame's head becomes another one."""
_MORE_THAN_A_BUFFER, _LONG = 70, 20_000
_CLOSE = 0x88


class Watched(Sockets):
    """`written` says of each frame, in their order, whether it could be written at once."""

    written: ClassVar[list[bool]] = []

    @override
    def write_frame(self, frame: bytes) -> bool:
        self.written.append(super().write_frame(frame))
        return self.written[-1]


class Awaited(Sockets):
    """Every frame goes the way of those that can't be written at once."""

    @override
    def write_frame(self, frame: bytes) -> bool:
        return False


@pytest.fixture(autouse=True)
def written() -> Iterator[list[bool]]:
    Watched.written.clear()
    yield Watched.written
    Watched.written.clear()


@dataclass(slots=True)
class _Served:
    """A server of the room."""

    room: Room
    port: int
    lines: list[Line] = field(default_factory=list[Line])

    async def followed(self, query: str = PROGRESS, identity: str = "1") -> Line:
        """A socket that follows the generation, and has been told its latest event."""
        line = await Line.opened(self.port, self.room.token())
        self.lines.append(line)
        line.subscribe(query, {"id": self.room.id, "after": self.room.sequence - 1}, identity)
        assert (await line.message())["id"] == identity
        return line


@asynccontextmanager
async def _served(room: Room, sockets: type[Sockets] = Watched) -> AsyncGenerator[_Served]:
    """While entered, it is served by such sockets, which hold little until they are full."""
    config = server_config(room.parts.settings, room.shared)
    config.ws = sockets
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        async with serving(config, listener):
            served = _Served(room, listener.getsockname()[1])
            yield served
            for line in served.lines:
                line.cut()
            await room.empty()


def _sequence(frame: bytes) -> int:
    sequence: int = message_of(frame)["payload"]["data"]["generationProgress"]["sequence"]
    return sequence


async def test_frames_are_the_same_bytes_whichever_way_they_go(room: Room, written: list[bool]) -> None:
    identities = ["1", 'é "quoted" \\ ', *("i" * (size - _SHORTEST) for size in _MESSAGE_BYTES)]
    async with _served(room) as served, _served(room, Awaited) as other_served:
        lines = [await served.followed(_SHORT, one) for one in identities]
        others = [await other_served.followed(_SHORT, one) for one in identities]
        await room.quiet()
        for kind in (EventType.STAGE, EventType.STAGE, EventType.SUCCEEDED):
            await room.happens(kind)
            for line, other in zip(lines, others, strict=True):
                frame = await line.frame()
                assert frame == await other.frame()
                assert _sequence(frame) == room.sequence
        for line, other, identity in zip(lines, others, identities, strict=True):
            frame = await line.frame()
            assert frame == await other.frame()
            assert message_of(frame) == {"id": identity, "type": "complete"}
    assert room.groups.executed == [2, 3, 4]
    assert written == [True] * 3 * len(identities)


async def test_full_socket_waits_while_others_are_written_to_and_misses_nothing(
    room: Room, written: list[bool]
) -> None:
    room.said = "x" * _LONG
    async with _served(room) as served:
        quick, slow = [await served.followed(PROGRESS.replace("percent", "stage")) for _ in range(2)]
        await room.quiet()
        async for event in room.many_happen(_MORE_THAN_A_BUFFER):
            assert _sequence(await quick.frame()) == event.sequence
        assert False in written
        assert written.count(True) < _MORE_THAN_A_BUFFER + 20
        everything = range(2, _MORE_THAN_A_BUFFER + 2)
        assert [_sequence(await slow.frame()) for _ in everything] == list(everything)
        await room.quiet()
        written.clear()
        for kind in (EventType.STAGE, EventType.SUCCEEDED):
            await room.happens(kind)
        for line in (quick, slow):
            assert [_sequence(await line.frame()) for _ in range(2)] == [room.sequence - 1, room.sequence]
            assert (await line.message())["type"] == "complete"
        assert written == [True] * 4


async def test_who_leaves_in_the_middle_takes_nobody_along(room: Room) -> None:
    async with _served(room) as served:
        staying, cut, polite, done = [await served.followed() for _ in range(4)]
        await room.quiet()
        await room.happens()
        assert [_sequence(await line.frame()) for line in (staying, cut, polite, done)] == [2] * 4
        cut.cut()
        polite.say_goodbye()
        done.say({"id": "1", "type": "complete"})
        for number in range(3, 30):
            await room.happens()
            assert _sequence(await staying.frame()) == number
        frames = list[bytes]()
        with suppress(asyncio.IncompleteReadError):
            while True:
                frames.append(await polite.frame())
        assert frames.pop()[0] == _CLOSE
        assert [_sequence(one) for one in frames] == list(range(3, 3 + len(frames)))


async def test_nothing_comes_behind_the_close_of_a_socket_whose_time_is_over(room: Room) -> None:
    async with _served(room) as served:
        line = await served.followed()
        await room.quiet()
        now = utc_now()
        room.parts.services.accounts.erasures.erased.learn({room.owner_id: now}, now - timedelta(minutes=1))
        frames = list[bytes]()
        while not frames or frames[-1][0] != _CLOSE:
            await room.happens()
            frames.append(await line.frame())
        await room.happens()
        line.say_goodbye()
        assert await line.reader.read() == b""
        assert [_sequence(one) for one in frames[:-1]] == list(range(2, 1 + len(frames)))
