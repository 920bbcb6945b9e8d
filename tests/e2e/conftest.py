"""One server for all tests that need no fresh one, and clients for it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.server import Server, running

_PHOTOS = Path(__file__).parent.parent / "photos"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("data"), database_setting(), fresh=True) as started:
        yield started


type MakeClient = Callable[[Server], Client]


@pytest.fixture
async def client_of() -> AsyncIterator[MakeClient]:
    """Makes clients of a server, nobody logged in."""
    async with AsyncExitStack() as stack:

        def make(server: Server) -> Client:
            http = httpx2.AsyncClient(base_url=server.url, timeout=30)
            stack.push_async_callback(http.aclose)
            return Client(http, server.sockets_url)

        yield make


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
