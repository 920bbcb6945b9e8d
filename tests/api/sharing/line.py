"""A WebSocket of which every byte is seen as it comes, and which may be slow to read."""

import asyncio
import json
import socket
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass
from typing import Any, Self

from websockets.frames import Frame, Opcode

_LITTLE_BYTES = 1_024
_HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: regen.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One that is open and has said hello; nothing is read ahead of `frame` but a few kilobytes."""

    reader: StreamReader
    writer: StreamWriter

    @classmethod
    async def opened(cls, port: int, token: str) -> Self:
        """A new one."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * _LITTLE_BYTES)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
        line = cls(*await asyncio.open_connection(sock=connection, limit=_LITTLE_BYTES))
        line.writer.write(_HANDSHAKE.encode())
        assert (await line.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        line.say({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert (await line.message())["type"] == "connection_ack"
        return line

    def say(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self.writer.write(Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True))

    def subscribe(self, query: str, variables: dict[str, Any], identity: str = "1") -> None:
        self.say({"id": identity, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    def say_goodbye(self) -> None:
        """Close the WebSocket, and go on reading."""
        self.writer.write(Frame(Opcode.CLOSE, (1000).to_bytes(2)).serialize(mask=True))

    def cut(self) -> None:
        """Leave without a word."""
        self.writer.transport.abort()

    async def frame(self) -> bytes:
        """The next one, all of its bytes."""
        async with asyncio.timeout(30):
            head = await self.reader.readexactly(2)
            more = {126: 2, 127: 8}.get(head[1], 0)
            size = await self.reader.readexactly(more)
            return head + size + await self.reader.readexactly(int.from_bytes(size) if more else head[1])

    async def message(self) -> dict[str, Any]:
        """The next one."""
        return message_of(await self.frame())


def message_of(frame: bytes) -> dict[str, Any]:
    """What a text frame holds."""
    assert frame[0] == 0x81
    message: dict[str, Any] = json.loads(frame[2 + {126: 2, 127: 8}.get(frame[1], 0) :])
    return message
