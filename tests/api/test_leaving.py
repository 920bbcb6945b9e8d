"""Whoever connects and drops, stalls or says nothing leaves nothing behind."""

import asyncio
import gc
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from types import AsyncGeneratorType
from typing import Any, ClassVar

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from websockets.asyncio.client import connect
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from app import patience
from app.database.document import utc_now
from app.generations.model import Generation
from app.generations.recipe import Recipe
from tests.api.site import Site, served
from tests.e2e.client import APOLLO, SSE, Client

_EVENTS = "subscription { viewerEvents { sequence } }"
_SCHEMA = "{ __schema { types { name description fields { name description args { name description } } } } }"
_SAMPLE, _MANY = 30, 1_000
_RESET = struct.pack("ii", 1, 0)
"""Close without a good-bye."""
_MOST_BYTES = 8_000_000
"""Far less than 1,000 of anything that is not let go would take."""

_OPENING_CUT_OFF = [  # PyMongo leaves a connection that is cancelled while it is opened to the collector
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

type Serve = Callable[..., AbstractAsyncContextManager[Site]]
type Drop = Callable[[Site, Client, int], Awaitable[None]]


class Http(patience.Http):
    head_s: ClassVar[float] = 0.5
    stall_s: ClassVar[float] = 0.5


class Sockets(patience.Sockets):
    stall_s: ClassVar[float] = 0.5


@pytest.fixture
def serve(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> Serve:
    return partial(served, database, mongodb_url, tmp_path, http=Http, ws=Sockets)


@pytest.fixture
async def site(serve: Serve) -> AsyncIterator[Site]:
    async with serve(sockets_per_user=0, requests_per_minute=0, cost_per_minute=0) as opened:
        yield opened


async def _subscribed_and_gone(site: Site, ada: Client, number: int) -> None:
    """Each leaves in its own way: before the init, in the middle of a subscription, with and without a good-bye."""
    subscribe = json.dumps({"type": "subscribe", "id": "1", "payload": {"query": _EVENTS}})
    if number % 4 == 3:
        client, protocol = await _deaf_socket(site, ada)
        with client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            protocol.send_text(subscribe.encode())
            await _sent(client, b"".join(protocol.data_to_send()))
        return
    async with connect(ada.sockets_url, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]
        if number % 4:
            init = {"type": "connection_init", "payload": {"authorization": f"Bearer {ada.token}"}}
            await connection.send(json.dumps(init))
            await connection.recv()
            await connection.send(subscribe)
        if number % 4 == 2:
            await connection.send(json.dumps({"type": "complete", "id": "1"}))


async def _asked_and_gone(site: Site, ada: Client, number: int) -> None:
    """Half a request, or a whole one whose answer nobody waits for."""
    body = json.dumps({"query": "{ viewer { user { id } } }"}).encode()
    head = f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
    whole = f"{head}content-type: application/json\r\nauthorization: Bearer {ada.token}\r\n\r\n".encode() + body
    with socket.socket() as client:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", site.port))
        await _sent(client, whole[: -1 - 10 * (number % 20)] if number % 2 else whole)


async def _streamed_and_gone(site: Site, ada: Client, number: int) -> None:
    """At once, after the first bytes, or in the middle of what is followed; by either protocol."""
    loop, request = asyncio.get_running_loop(), _stream(ada, (SSE, APOLLO)[number % 2], _EVENTS)
    with socket.socket() as client:
        client.setblocking(False)
        if number % 3:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        await loop.sock_connect(client, ("127.0.0.1", site.port))
        await _sent(client, request)
        if number % 4:
            await loop.sock_recv(client, 4_096)


def _stream(ada: Client, accept: str, query: str) -> bytes:
    """A request whose answer is a stream."""
    body = json.dumps({"query": query}).encode()
    head = f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: {accept}\r\ncontent-length: {len(body)}\r\n"
    return f"{head}content-type: application/json\r\nauthorization: Bearer {ada.token}\r\n\r\n".encode() + body


_KINDS: tuple[Any, ...] = (
    pytest.param((_subscribed_and_gone, _asked_and_gone), id="sockets"),
    pytest.param((_streamed_and_gone,), id="streams", marks=_OPENING_CUT_OFF),
)


def _live_generators() -> list[str]:
    """Those of the edge, of Strawberry and of GraphQL that have not ended."""
    gc.collect()
    every: list[Any] = [one for one in gc.get_objects() if isinstance(one, AsyncGeneratorType)]
    names: list[str] = [one.ag_code.co_filename for one in every if one.ag_frame]
    return [name for name in names if "/app/api/" in name or "/strawberry/" in name or "/graphql/" in name]


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4_096


async def _memory(site: Site) -> int:
    await site.settled()
    gc.collect()
    return _resident_bytes()


async def _drops(site: Site, count: int, kinds: Sequence[Drop]) -> None:
    ada = await site.person()

    async def drop(number: int) -> None:
        for kind in kinds:
            await kind(site, ada, number)

    for first in range(0, count, 10):
        async with asyncio.TaskGroup() as group:
            for number in range(first, min(count, first + 10)):
                group.create_task(drop(number))


@pytest.mark.parametrize("kinds", _KINDS)
async def test_connects_and_drops_leave_nothing(site: Site, kinds: Sequence[Drop]) -> None:
    await _drops(site, _SAMPLE, kinds)
    await site.settled()
    assert _live_generators() == []


@pytest.mark.long
async def test_streams_run_generators_that_are_seen_here(site: Site) -> None:
    """Or the test above would mean nothing."""
    ada = await site.person()
    for accept in (SSE, APOLLO):
        async with ada.stream(accept, _EVENTS):
            async with asyncio.timeout(10):
                while site.parts.hub.followers.idle:  # noqa: ASYNC110 - it is the server that begins it
                    await asyncio.sleep(0.01)
            assert len(_live_generators()) >= 3
        await site.settled()
        assert _live_generators() == []


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kinds", _KINDS)
async def test_thousand_connects_and_drops_leave_memory_flat(site: Site, kinds: Sequence[Drop]) -> None:
    await _drops(site, 100, kinds)
    before = await _memory(site)
    await _drops(site, _MANY, kinds)
    assert await _memory(site) - before < _MOST_BYTES
    assert _live_generators() == []


def _deaf() -> socket.socket:
    """A connection whose other end can't send much before it has to be read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.setblocking(False)
    return client


async def _sent(client: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(client, data)


async def _deaf_socket(site: Site, ada: Client) -> tuple[socket.socket, ClientProtocol]:
    """A WebSocket that has said hello and reads no more."""
    loop, client = asyncio.get_running_loop(), _deaf()
    await loop.sock_connect(client, ("127.0.0.1", site.port))
    protocol = ClientProtocol(parse_uri(ada.sockets_url), subprotocols=["graphql-transport-ws"])  # type: ignore[list-item]
    protocol.send_request(protocol.connect())
    await _sent(client, b"".join(protocol.data_to_send()))
    while b"\r\n\r\n" not in await loop.sock_recv(client, 4_096):
        pass
    protocol.state = protocol.state.__class__.OPEN
    init = {"type": "connection_init", "payload": {"authorization": f"Bearer {ada.token}"}}
    protocol.send_text(json.dumps(init).encode())
    await _sent(client, b"".join(protocol.data_to_send()))
    return client, protocol


async def test_socket_that_stops_reading_is_cut_off_and_what_it_followed_ends(site: Site) -> None:
    ada = await site.person()
    client, protocol = await _deaf_socket(site, ada)
    with client:
        for number, query in enumerate([_EVENTS, *[_SCHEMA] * 40]):
            message = {"type": "subscribe", "id": f"{number}", "payload": {"query": query}}
            protocol.send_text(json.dumps(message).encode())
        await _sent(client, b"".join(protocol.data_to_send()))
        async with asyncio.timeout(20):
            while site.parts.hub.followers.idle:  # noqa: ASYNC110 - it is the server that begins it
                await asyncio.sleep(0.01)
        before = time.monotonic()
        await site.settled()
        assert time.monotonic() - before < 10


@pytest.mark.parametrize("accept", [SSE, APOLLO])
async def test_stream_whose_client_stops_reading_is_cut_off_and_what_it_followed_ends(site: Site, accept: str) -> None:
    ada = await site.person()
    await _stored_long(site, ada, 60)
    aliases = " ".join(f"a{number}: recipe {{ prompts }}" for number in range(40))
    loop, client = asyncio.get_running_loop(), _deaf()
    with client:
        await loop.sock_connect(client, ("127.0.0.1", site.port))
        await _sent(client, _stream(ada, accept, f"subscription {{ viewerEvents {{ generation {{ {aliases} }} }} }}"))
        async with asyncio.timeout(20):
            while site.parts.hub.followers.idle:  # noqa: ASYNC110 - it is the server that begins it
                await asyncio.sleep(0.01)
        before = time.monotonic()
        await site.settled()
        assert time.monotonic() - before < 10
        assert _live_generators() == []


async def _stored_long(site: Site, ada: Client, count: int) -> None:
    """Generations whose prompts fill every buffer on the way."""
    assert ada.token
    owner_id = site.parts.services.accounts.viewer(ada.token).user_id
    recipe = Recipe(task="TEST", prompts=("a" * 16_000,), pictures=(), provider="test", model="test-1")
    for _ in range(count):
        assert await Generation.start(
            Generation.queued(owner_id, "ORNAMENT", recipe, f"{PydanticObjectId()}", utc_now())
        )


async def test_answer_that_nobody_reads_is_thrown_away(site: Site) -> None:
    ada = await site.person()
    loop, client = asyncio.get_running_loop(), _deaf()
    with client:
        await loop.sock_connect(client, ("127.0.0.1", site.port))
        body = json.dumps({"query": _SCHEMA}).encode()
        head = "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        request = f"{head}content-length: {len(body)}\r\nauthorization: Bearer {ada.token}\r\n\r\n".encode() + body
        await _sent(client, request * 200)
        await _until_cut(client, reading=False)
    await site.settled()


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nhost: 127"])
async def test_who_asks_for_nothing_is_cut_off(site: Site, said: bytes) -> None:
    loop, client = asyncio.get_running_loop(), _deaf()
    with client:
        await loop.sock_connect(client, ("127.0.0.1", site.port))
        await _sent(client, said)
        await _until_cut(client, reading=True)


async def _until_cut(client: socket.socket, *, reading: bool) -> None:
    """Return when the server has cut the connection."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(20):
        with suppress(ConnectionError):
            while True:
                if reading:
                    if not await loop.sock_recv(client, 4_096):
                        return
                else:
                    await asyncio.sleep(0.05)
                    await _sent(client, b"\r\n")


async def test_slow_reader_who_goes_on_reading_gets_everything(site: Site) -> None:
    ada = await site.person()
    async with ada.socket() as patient:
        for number in range(10):
            await patient.send({"type": "subscribe", "id": f"{number}", "payload": {"query": _SCHEMA}})
        ends = 0
        async with asyncio.timeout(60):
            while ends < 10:
                message = await patient.receive()
                ends += message["type"] == "complete"
                if message["type"] == "next":
                    await asyncio.sleep(0.2)
    await site.settled()
