"""One server for all clients, one person with a generation that has ended, and Node.js for the clients from npm."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.databases import database_setting
from tests.e2e.client import PROGRESS, Client
from tests.e2e.server import ROOT, Server, running

HERE = Path(__file__).parent
PHOTO = HERE.parent / "photos" / "car-1.jpg"
_ENOUGH_S = 60


@dataclass(frozen=True)
class Person:
    """Who is logged in at a server; `ended` is the id of a generation of theirs, `events` how many it has."""

    url: str
    sockets_url: str
    token: str
    ended: str
    events: int


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("data"), database_setting()) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ada(server: Server) -> AsyncIterator[Person]:
    async with httpx2.AsyncClient(base_url=server.url, timeout=30) as http:
        client = Client(http, server.sockets_url)
        await client.sign_up()
        generation_id = (await client.upload(PHOTO.read_bytes()))["generation"]["id"]
        async with client.socket() as socket:
            events = [event async for event in socket.subscribe(PROGRESS, {"id": generation_id, "after": 0})]
        assert client.token
        yield Person(f"{server.url}/graphql", server.sockets_url, client.token, generation_id, len(events))


type Run = Callable[[str], Awaitable[Any]]


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js, wherever `make` found it."""
    command = [str(ROOT / "scripts" / "npm"), "--node", "-p", "process.execPath"]
    asked = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own script
    return asked.stdout.strip()


@pytest.fixture
def run(node: str, ada: Person) -> Run:
    """Runs a program of this folder as Ada; what it printed."""

    async def run_program(name: str) -> Any:
        arguments = (HERE / name, ada.url, ada.token, ada.ended, PHOTO)
        process = await asyncio.create_subprocess_exec(
            node, *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(_ENOUGH_S):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert (process.returncode, err.decode()) == (0, "")
        return json.loads(out)

    return run_program
