"""The way from one process to Redis, on which chosen pub/sub messages get lost."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.faults.gate import Gate, Link, first_of

_CHUNK_BYTES = 65_536
_END = b"\r\n"
_DEFAULT_PORT = 6379
_WITHIN_S = 30.0

type Value = bytes | list[Value] | None


@dataclass(frozen=True, slots=True)
class Published:
    """A message on its way to a subscriber."""

    channel: str
    payload: bytes


def any_message(_: Published) -> bool:
    return True


def message_of(generation_id: str, kind: str = "") -> Callable[[Published], bool]:
    """A message of that generation, of an event of that type."""
    return lambda message: generation_id.encode() in message.payload and kind.encode() in message.payload


@dataclass(eq=False)
class RedisGate(Gate):
    """Passes everything on but the messages it is told to lose; `lost` and `delivered` are in their order."""

    lost: list[Published] = field(default_factory=list[Published], init=False)
    delivered: list[Published] = field(default_factory=list[Published], init=False)
    _to_lose: deque[Callable[[Published], bool]] = field(default_factory=deque[Callable[[Published], bool]], init=False)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition, init=False)

    def lose(self, times: int = 1, matches: Callable[[Published], bool] = any_message) -> None:
        """Let the next `times` messages that match get lost."""
        self._to_lose.extend([matches] * times)

    async def until_lost(self, count: int, within_s: float = _WITHIN_S) -> None:
        """Wait until that many messages have been lost since the gate was opened."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: len(self.lost) >= count)

    def through(self, url: str) -> str:
        """`url` of the same server, by way of this gate."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}127.0.0.1:{self.own_port}").geturl()

    async def converse(self, link: Link) -> None:
        """Requests as they come; replies one by one, so that a message can be left out whole."""
        await first_of(self._pass_requests(link), self._pass_replies(link))

    async def _pass_requests(self, link: Link) -> None:
        while data := await link.client.reader.read(_CHUNK_BYTES):
            await self.thawed()
            await link.server.send(data)

    async def _pass_replies(self, link: Link) -> None:
        while True:
            raw = bytearray()
            message = _published(await _read_value(link.server.reader, raw))
            await self.thawed()
            if message is None or not await self._loses(message):
                await link.client.send(bytes(raw))

    async def _loses(self, message: Published) -> bool:
        async with self._changed:
            for matches in self._to_lose:
                if matches(message):
                    self._to_lose.remove(matches)
                    self.lost.append(message)
                    self._changed.notify_all()
                    return True
        self.delivered.append(message)
        return False


def _published(value: Value) -> Published | None:
    match value:
        case [b"message", bytes(channel), bytes(payload)] | [b"pmessage", bytes(), bytes(channel), bytes(payload)]:
            return Published(channel.decode(), payload)
        case _:
            return None


async def _read_value(reader: asyncio.StreamReader, raw: bytearray) -> Value:
    """One whole value of RESP2 or RESP3, its bytes added to `raw`; maps are flat lists.

    https://redis.io/docs/latest/develop/reference/protocol-spec/
    """
    line = await reader.readuntil(_END)
    raw += line
    kind, rest = line[:1], line[1 : -len(_END)]
    if kind in b"$!=":
        return await _read_text(reader, raw, int(rest))
    if kind in b"*~>":
        return [await _read_value(reader, raw) for _ in range(int(rest))] if int(rest) >= 0 else None
    if kind == b"%":
        return [await _read_value(reader, raw) for _ in range(2 * int(rest))]
    if kind == b"|":  # attributes stand before the value that they describe
        for _ in range(2 * int(rest)):
            await _read_value(reader, raw)
        return await _read_value(reader, raw)
    return rest


async def _read_text(reader: asyncio.StreamReader, raw: bytearray, size: int) -> bytes | None:
    if size < 0:
        return None
    data = await reader.readexactly(size + len(_END))
    raw += data
    return data[:size]


@asynccontextmanager
async def redis_gate_before(url: str) -> AsyncGenerator[RedisGate]:
    """A gate before the Redis of `url`: no TLS."""
    parts = urlsplit(url)
    async with RedisGate(parts.hostname or "127.0.0.1", parts.port or _DEFAULT_PORT).opened() as gate:
        yield gate
