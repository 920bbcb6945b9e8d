"""The whole edge, from sockets to the schema, served inside the test's process: what it leaves behind can be seen."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pymongo.asynchronous.database import AsyncDatabase
from uvicorn import Config

from app.api.streams import Streams
from app.bootstrap.parts import Parts, assemble
from app.main import build
from app.serving import Server, server_config
from tests.api.shop import BARE
from tests.e2e.client import Client
from tests.given import settings_from
from tests.indexed import opened_indexed

_SETTLE_S = 10


@dataclass(frozen=True, slots=True)
class Site:
    """A server of these parts, and clients for it; `before` are the tasks there were without clients."""

    parts: Parts
    streams: Streams
    port: int
    before: frozenset[asyncio.Task[Any]]
    stack: AsyncExitStack

    def client(self, **headers: str) -> Client:
        """Nobody, yet."""
        url = f"http://127.0.0.1:{self.port}"
        http = httpx2.AsyncClient(base_url=url, timeout=30, headers=headers)
        self.stack.push_async_callback(http.aclose)
        return Client(http, f"ws://127.0.0.1:{self.port}/graphql")

    async def person(self) -> Client:
        """Somebody with a new account."""
        client = self.client()
        await client.sign_up()
        return client

    async def settled(self) -> None:
        """Return when nothing is left of any socket or stream: no seat, no follower, no task."""
        async with asyncio.timeout(_SETTLE_S):
            while self.left():  # noqa: ASYNC110 - many parts, none of which tells
                await asyncio.sleep(0.02)

    def left(self) -> list[str]:
        """What sockets and streams have left behind until now."""
        tasks = [str(task.get_coro()) for task in asyncio.all_tasks() - self.before if "run_asgi" in repr(task)]
        followers = [] if self.parts.hub.followers.idle else ["followers"]
        return [*tasks, *followers, *["seat"] * len(self.parts.edge.seats), *["stream"] * self.streams.count]


@asynccontextmanager
async def served(
    database: AsyncDatabase[dict[str, Any]],
    mongodb_url: str,
    folder: Path,
    http: Any = None,
    ws: Any = None,
    **given: Any,
) -> AsyncGenerator[Site]:
    """A server over that database with these settings, and `http` and `ws` instead of its protocols."""
    url = urlsplit(mongodb_url)._replace(path=f"/{database.name}").geturl()
    settings = settings_from({**BARE, "data_dir": folder, "mongodb_url": url, **given})
    parts = assemble(settings)
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(opened_indexed(parts))
        stack.push_async_callback(parts.close)
        for link in parts.links:
            await stack.enter_async_context(link())
        streams = Streams()
        config = server_config(settings, build(parts, connection.ping, streams=streams))
        config.http, config.ws = http or config.http, ws or config.ws
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        await stack.enter_async_context(serving(config, listener))
        clients = await stack.enter_async_context(AsyncExitStack())
        yield Site(parts, streams, listener.getsockname()[1], frozenset(asyncio.all_tasks()), clients)


@asynccontextmanager
async def serving(config: Config, listener: socket.socket) -> AsyncGenerator[None]:
    """While entered, that listener is served."""
    server = Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(_SETTLE_S):
            while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
