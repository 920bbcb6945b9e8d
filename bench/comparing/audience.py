"""Very many subscribers over WebSockets (graphql-transport-ws) in one process: `python -m bench.comparing.audience`.

It reads what to do a line, as JSON. Frames are read by hand, so that what is measured is the server's.
"""

import asyncio
import json
import re
import sys
import time
from asyncio import Protocol, Transport
from dataclasses import dataclass, field
from typing import Any, cast, override

import uvloop

_AT_ONCE = 50
_OPEN_S, _WAVE_S = 120, 60
_TEXT, _PING, _PONG = 1, 9, 10
_SEQUENCE = re.compile(rb'"sequence": ?(\d+)')
_HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


def frame_of(payload: bytes, opcode: int = _TEXT) -> bytes:
    """A frame as clients send it: masked, with a mask of zeros (RFC 6455, section 5.2)."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2)  # noqa: PLR2004 - the RFC's own number
    return head + bytes(4) + payload


@dataclass(slots=True)
class Wave:
    """One publish: all events of it at all subscribers; `texts` are the messages of the first who got them."""

    missing: int
    over: asyncio.Future[None]
    texts: dict[int, bytes | None]
    arrived_ns: list[int] = field(default_factory=list[int])
    different: int = 0

    def arrive(self, now_ns: int, sequence: int, payload: bytes) -> None:
        """One event is at one subscriber."""
        if sequence not in self.texts:
            return
        text = self.texts[sequence]
        if text is None:
            self.texts[sequence] = payload
        elif text != payload:
            self.different += 1
        self.arrived_ns.append(now_ns)
        self.missing -= 1
        if self.missing == 0 and not self.over.done():
            self.over.set_result(None)


@dataclass(slots=True)
class Audience:
    """The subscribers of one server."""

    port: int
    init: dict[str, Any]
    subscribe: dict[str, Any]
    subscribed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    wave: Wave | None = None
    members: list["Member"] = field(default_factory=list["Member"])
    lost: str | None = None

    async def open(self, count: int) -> None:
        """Open so many sockets, each with one operation."""
        gate = asyncio.Semaphore(_AT_ONCE)
        loop = asyncio.get_running_loop()

        async def one() -> None:
            async with gate:
                _, member = await loop.create_connection(lambda: Member(self), "127.0.0.1", self.port)
                self.members.append(member)
                await self.subscribed.acquire()

        async with asyncio.timeout(_OPEN_S):
            await asyncio.gather(*(one() for _ in range(count)))

    async def publish(self, events: list[dict[str, Any]], within_s: float = _WAVE_S) -> dict[str, Any]:
        """Have them published; when each arrived where, in milliseconds since it began, and what the first said."""
        loop = asyncio.get_running_loop()
        texts = dict[int, bytes | None]((event["sequence"], None) for event in events)
        wave = self.wave = Wave(len(self.members) * len(events), loop.create_future(), texts)
        started_ns = await _publish(self.port, events)
        try:
            await asyncio.wait_for(wave.over, within_s)
        except TimeoutError:
            raise ConnectionError(self.lost or f"{wave.missing} events did not arrive") from None
        return {
            "took_ms": [(one - started_ns) / 1e6 for one in wave.arrived_ns],
            "texts": [(text or b"").decode() for text in wave.texts.values()],
            "different": wave.different,
        }


class Member(Protocol):
    """One socket with one operation."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._rest: bytes = b""
        self._is_open = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("Transport", transport)
        self._transport.write(_HANDSHAKE.format(port=self._audience.port).encode())

    @override
    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        data = self._rest + data if self._rest else data
        if not self._is_open:
            if b"\r\n\r\n" not in data:
                self._rest = data
                return
            data = self._opened(data)
        at = 0
        while (end := _end_of_frame(data, at)) is not None:
            start, stop = end
            self._heard(now_ns, data[at] & 15, data[start:stop])
            at = stop
        self._rest = data[at:]

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._audience.lost = f"A socket was closed: {exc!r}, {self._rest[:200]!r}"

    def _opened(self, data: bytes) -> bytes:
        """Take the handshake's answer off; what is behind it."""
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            self._audience.lost = f"A handshake was answered with {head[:80]!r}"
            self._transport.close()
            return b""
        self._is_open = True
        self._say(self._audience.init)
        return rest

    def _heard(self, now_ns: int, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._transport.write(frame_of(payload, _PONG))
        elif opcode != _TEXT:
            self._rest = payload
        elif found := _SEQUENCE.search(payload):
            if self._audience.wave is not None:
                self._audience.wave.arrive(now_ns, int(found[1]), payload)
        else:
            self._answer(json.loads(payload))

    def _answer(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_ack":
                self._say(self._audience.subscribe)
                self._audience.subscribed.release()
            case "ping":
                self._say({"type": "pong"})
            case _:
                self._audience.lost = f"An operation ended: {message}"

    def _say(self, message: dict[str, Any]) -> None:
        self._transport.write(frame_of(json.dumps(message).encode()))


def _end_of_frame(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at that place begins and ends; null while it is not whole (RFC 6455, 5.2)."""
    have = len(data) - at
    if have < 2:  # noqa: PLR2004 - the shortest frame
        return None
    size, head = data[at + 1] & 127, 2
    if size == 126:  # noqa: PLR2004 - the RFC's own numbers
        size, head = int.from_bytes(data[at + 2 : at + 4]), 4
    elif size == 127:  # noqa: PLR2004 - the same
        size, head = int.from_bytes(data[at + 2 : at + 10]), 10
    return None if have < head + size else (at + head, at + head + size)


async def _publish(port: int, events: list[dict[str, Any]]) -> int:
    """When the server began, by the machine's monotonic clock."""
    body = json.dumps(events).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /publish HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
    answer = await reader.read()
    writer.close()
    started_ns: int = json.loads(answer[answer.index(b"{") : answer.rindex(b"}") + 1])["startedNs"]
    return started_ns


async def _do(audience: Audience | None, asked: dict[str, Any]) -> tuple[Audience, dict[str, Any]]:
    if audience is None:
        audience = Audience(asked["port"], asked["init"], asked["subscribe"])
        await audience.open(asked["count"])
        return audience, {}
    return audience, await audience.publish(asked["events"], asked.get("within_s", _WAVE_S))


async def _answer_lines() -> None:
    audience = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            audience, answer = await _do(audience, json.loads(line))
        except (OSError, TimeoutError) as error:
            answer = {"error": f"{error} {audience.lost if audience else ''}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(_answer_lines())
