"""One server for all tests that need no fresh one, and clients for it."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from ipaddress import IPv4Network
from itertools import count
from pathlib import Path

import httpx2
import pytest

from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.server import Server, running

_PHOTOS = Path(__file__).parent.parent / "photos"
_LOOPBACK = IPv4Network("127.0.0.0/8")
_NUMBERS = count(2)  # 127.0.0.1 is the browsers' and scripts'


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("data"), database_setting()) as started:
        yield started


type MakeClient = Callable[[Server], Client]


@pytest.fixture
async def client_of() -> AsyncIterator[MakeClient]:
    """Makes clients of a server, nobody logged in."""
    async with AsyncExitStack() as stack:

        def make(server: Server) -> Client:
            http = httpx2.AsyncClient(base_url=server.url, timeout=30, transport=_from_elsewhere())
            stack.push_async_callback(http.aclose)
            return Client(http, server.sockets_url)

        yield make


def _from_elsewhere() -> httpx2.AsyncHTTPTransport:
    """Each client comes from an address of its own, as people do: the sign-ups of one address are limited."""
    everywhere = sys.platform == "linux"  # where the whole network is this machine
    return httpx2.AsyncHTTPTransport(local_address=str(_LOOPBACK[next(_NUMBERS)]) if everywhere else None)


@pytest.fixture
async def stranger(server: Server, client_of: MakeClient) -> Client:
    """Nobody."""
    return client_of(server)


@pytest.fixture
async def ada(server: Server, client_of: MakeClient) -> Client:
    """A person with a new account."""
    client = client_of(server)
    await client.sign_up()
    return client


@pytest.fixture(scope="session")
def car() -> bytes:
    return (_PHOTOS / "car-1.jpg").read_bytes()


@pytest.fixture
async def ada_token(ada: Client) -> str:
    assert ada.token is not None
    return ada.token
