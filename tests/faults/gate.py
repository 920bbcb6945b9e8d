"""A gate on the way between a process and its server: every byte goes through it while it is open.

It lives in the test's event loop: start and stop the processes behind it off the loop (`asyncio.to_thread`).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

_LIMIT_BYTES = 1024 * 1024
_HOST = "127.0.0.1"


@dataclass(eq=False, slots=True)
class End:
    """One end of a connection through a gate."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Pass it on; nothing happens when this end has gone."""
        if not self.writer.transport.is_closing():
            self.writer.write(data)
            with suppress(ConnectionError):
                await self.writer.drain()

    def abort(self) -> None:
        self.writer.transport.abort()


@dataclass(eq=False, slots=True)
class Link:
    """One connection: the client's end, the server's end, and the task that moves the bytes."""

    client: End
    server: End
    task: asyncio.Task[None]

    def cut(self) -> None:
        self.client.abort()
        self.server.abort()
        self.task.cancel()


@dataclass(eq=False)
class Gate(ABC):
    """Listens on a free port of this machine and passes on what it gets to `host:port`, both ways."""

    host: str
    port: int
    own_port: int = field(default=0, init=False)
    _links: set[Link] = field(default_factory=set[Link], init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]], init=False)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _accepting: bool = field(default=True, init=False)

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Self]:
        """While entered, it listens; all connections are cut at the exit."""
        self._flowing.set()
        server = await asyncio.start_server(self._serve, _HOST, 0, limit=_LIMIT_BYTES)
        self.own_port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            if self._tasks:
                await asyncio.wait(self._tasks)
            await server.wait_closed()

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._links)

    def cut(self) -> None:
        """Close every connection at once; what was held on one is lost."""
        while self._links:
            self._links.pop().cut()

    def refuse(self) -> None:
        """Close each new connection as soon as it comes; `cut` closes those that are there."""
        self._accepting = False

    def accept(self) -> None:
        """Take new connections again."""
        self._accepting = True

    def freeze(self) -> None:
        """Keep and accept connections, but let nothing through; it goes on its way at `thaw`, however late."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let everything flow again."""
        self._flowing.set()

    @abstractmethod
    async def converse(self, link: Link) -> None:
        """Move the bytes of a connection, both ways, until either end is through."""

    async def thawed(self) -> None:
        """Wait while the gate is frozen."""
        await self._flowing.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        client = End(reader, writer)
        try:
            if self._accepting:
                await self._linked(client, task)
        finally:
            client.abort()

    async def _linked(self, client: End, task: asyncio.Task[None]) -> None:
        try:
            server = End(*await asyncio.open_connection(self.host, self.port, limit=_LIMIT_BYTES))
        except OSError:
            return
        link = Link(client, server, task)
        self._links.add(link)
        try:
            with suppress(EOFError, ConnectionError):
                await self.converse(link)
        finally:
            self._links.discard(link)
            server.abort()


async def first_of(*ways: Coroutine[Any, Any, None]) -> None:
    """Run them at once until one is through or fails; the others end there."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in ended:
        task.result()
