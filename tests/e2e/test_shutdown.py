"""A server and a worker that are told to stop: what runs may end, the rest is given back, nobody is left waiting."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from pymongo import AsyncMongoClient
from websockets.exceptions import ConnectionClosed

from tests.contract.conftest import running_redis
from tests.databases import database_setting
from tests.e2e.client import PROGRESS, Client, Socket
from tests.e2e.commands import told
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running
from tests.faults.database import running_database
from tests.providers.gemini_standin import Standin, serve

_PHOTO = Path(__file__).parent.parent / "photos" / "animal-1.jpg"
_VIEWER_EVENTS = "subscription { viewerEvents { type sequence generation { id status } } }"
_GONE_S = 10
_STREAMS_EACH = 50
_ENOUGH_S = 60


@pytest.fixture
def google() -> Iterator[Standin]:
    with serve() as standin:
        yield standin


@pytest.fixture
def silent(google: Standin) -> dict[str, str]:
    """The settings of a process whose provider never answers."""
    return {"GOOGLE_API_KEY": "key-silent", "GOOGLE_GEMINI_BASE_URL": google.url}


async def _ada(server: Server, client_of: MakeClient) -> Client:
    ada = client_of(server)
    await ada.sign_up()
    return ada


async def _running_one(ada: Client, google: Standin, photo: bytes) -> str:
    """The id of a generation whose provider was called and is silent."""
    generation_id: str = (await ada.upload(photo))["generation"]["id"]
    assert await asyncio.to_thread(google.hung.wait, _ENOUGH_S)
    return generation_id


async def _opened(stack: AsyncExitStack, ada: Client, query: str, variables: Any = None) -> Socket:
    """A stream that has brought its first event."""
    socket = await stack.enter_async_context(ada.socket())
    await socket.send({"type": "subscribe", "id": "1", "payload": {"query": query, "variables": variables}})
    assert (await socket.receive())["type"] == "next"
    return socket


async def _to_the_end(socket: Socket) -> tuple[list[str], int]:
    """The types of the events that still come, and the code that the socket is closed with."""
    types: list[str] = []
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "next":
                (event,) = message["payload"]["data"].values()
                types.append(event["type"])
    except ConnectionClosed as closed:
        return types, closed.rcvd.code if closed.rcvd else 0


async def _is_stopping(ada: Client) -> None:
    async with asyncio.timeout(_ENOUGH_S):
        while (ready := await ada.http.get("/readyz")).status_code == 200:  # noqa: ASYNC110 - it raises no event here
            await asyncio.sleep(0.02)
    assert (ready.status_code, ready.json()) == (503, {"status": "stopping"})


def _was_given_back(data_dir: Path, generation_id: str, settings: dict[str, str]) -> None:
    shown = told(data_dir, "jobs", "show", generation_id, settings=settings)
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["GIVEN_BACK"]
    assert (shown["status"], shown["lease"]) == ("RUNNING", None)
    assert [(call["outcome"], call["maybeBilled"]) for call in shown["calls"]] == [("CANCELLED", True)]


@pytest.mark.long
async def test_hundred_streams_are_closed_with_1012_and_the_process_is_gone_in_ten_seconds(
    google: Standin, silent: dict[str, str], tmp_path: Path, client_of: MakeClient, car: bytes
) -> None:
    settings = {**database_setting(), **silent, "SOCKETS_PER_USER": "0"}
    async with AsyncExitStack() as stack:
        with running(tmp_path, settings, fresh=True) as server:
            ada = await _ada(server, client_of)
            generation_id = await _running_one(ada, google, car)
            kinds = ((PROGRESS, {"id": generation_id}), (_VIEWER_EVENTS, None))
            streams = [await _opened(stack, ada, *kind) for kind in kinds for _ in range(_STREAMS_EACH)]
            ends = asyncio.gather(*(_to_the_end(stream) for stream in streams))
            told_s = time.monotonic()
            assert await asyncio.to_thread(server.stop) == 0
            gone_s = time.monotonic() - told_s
            seen = await ends
        log = "".join(server.log)
    assert {code for _, code in seen} == {1012}
    assert all(types[-1] == "RETRYING" for types, _ in seen)
    assert google.disconnected.is_set()
    assert gone_s < _GONE_S
    assert "Traceback" not in log, log
    _was_given_back(tmp_path, generation_id, settings)


@pytest.mark.long
async def test_what_ends_in_the_grace_is_told_before_the_sockets_close(tmp_path: Path, client_of: MakeClient) -> None:
    buffer = io.BytesIO()
    Image.open(_PHOTO).resize((3_000, 2_250)).save(buffer, "JPEG", quality=90)
    settings = {**database_setting(), "SHUTDOWN_GRACE_S": str(_ENOUGH_S)}
    async with AsyncExitStack() as stack:
        with running(tmp_path, settings) as server:
            ada = await _ada(server, client_of)
            generation_id = (await ada.upload(buffer.getvalue()))["generation"]["id"]
            stream = await _opened(stack, ada, _VIEWER_EVENTS)
            while (await stream.receive())["payload"]["data"]["viewerEvents"]["type"] != "STAGE":
                pass
            exited = asyncio.create_task(asyncio.to_thread(server.stop))
            types, code = await _to_the_end(stream)
            assert await exited == 0
    assert types[-1] == "SUCCEEDED"
    assert code == 1012
    assert told(tmp_path, "jobs", "show", generation_id, settings=settings)["settled"] is True


@pytest.mark.long
async def test_stopping_server_answers_but_begins_nothing_and_a_second_signal_skips_the_grace(
    google: Standin, silent: dict[str, str], tmp_path: Path, client_of: MakeClient, car: bytes
) -> None:
    settings = {**database_setting(), **silent, "SHUTDOWN_GRACE_S": "300"}
    async with AsyncExitStack() as stack:
        with running(tmp_path, settings) as server:
            ada = await _ada(server, client_of)
            running_id = await _running_one(ada, google, car)
            stream = await _opened(stack, ada, PROGRESS, {"id": running_id})
            server.process.terminate()
            await _is_stopping(ada)
            waiting_id = (await ada.upload(car, prompt="later"))["generation"]["id"]
            server.process.terminate()
            types, code = await _to_the_end(stream)
            assert await asyncio.to_thread(server.process.wait, _GONE_S) == 0
    assert (types[-1], code) == ("RETRYING", 1012)
    _was_given_back(tmp_path, running_id, settings)
    waiting = told(tmp_path, "jobs", "show", waiting_id, settings=settings)
    assert (waiting["status"], waiting["attempts"]) == ("QUEUED", [])


@pytest.mark.long
async def test_what_was_given_back_is_made_by_the_next_server(
    google: Standin, silent: dict[str, str], tmp_path: Path, client_of: MakeClient, car: bytes
) -> None:
    settings = database_setting()
    with running(tmp_path, {**settings, **silent, "SHUTDOWN_GRACE_S": "0"}) as server:
        ada = await _ada(server, client_of)
        generation_id = await _running_one(ada, google, car)
        assert await asyncio.to_thread(server.stop) == 0
    spoken = {**silent, "GOOGLE_API_KEY": "key-picture", "SWEEP_EVERY_S": "0.2"}
    with running(tmp_path, {**settings, **spoken}) as server:
        again = client_of(server)
        again.token = ada.token
        events = await again.follow(generation_id)
    assert events[-1]["type"] == "SUCCEEDED"


@pytest.mark.long
async def test_process_whose_database_hangs_is_gone_in_ten_seconds(
    google: Standin, silent: dict[str, str], tmp_path: Path, client_of: MakeClient, car: bytes
) -> None:
    async with running_database(tmp_path / "database") as database:
        with running(tmp_path, {**silent, "MONGODB_URL": database.url}) as server:
            ada = await _ada(server, client_of)
            await _running_one(ada, google, car)
            database.pause()
            told_s = time.monotonic()
            await asyncio.to_thread(server.stop)
            assert time.monotonic() - told_s < _GONE_S


@pytest.fixture
async def shared(mongodb_url: str, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """The settings that a server and its worker share."""
    name = f"regen_shutdown_{uuid4().hex}"
    base, _, options = mongodb_url.partition("?")
    with running_redis(tmp_path) as redis:
        yield {"MONGODB_URL": f"{base.rstrip('/')}/{name}?{options}", "REDIS_URL": redis.url}
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
        await client.drop_database(name)


async def test_worker_gives_back_what_does_not_end_in_the_grace(
    google: Standin, silent: dict[str, str], shared: dict[str, str], tmp_path: Path, client_of: MakeClient, car: bytes
) -> None:
    settings = {**shared, **silent, "SHUTDOWN_GRACE_S": "0.5"}
    async with AsyncExitStack() as stack:
        api = stack.enter_context(running(tmp_path, {**settings, "WORKER_SLOTS": "0"}))
        ada = await _ada(api, client_of)
        with running(tmp_path, settings, "worker") as worker:
            generation_id = await _running_one(ada, google, car)
            stream = await _opened(stack, ada, PROGRESS, {"id": generation_id})
            told_s = time.monotonic()
            assert await asyncio.to_thread(worker.stop) == 0
            assert time.monotonic() - told_s < _GONE_S
        while (await stream.receive())["payload"]["data"]["generationProgress"]["type"] != "RETRYING":
            pass
        assert google.disconnected.is_set()
        _was_given_back(tmp_path, generation_id, settings)


@pytest.mark.long
async def test_streams_over_http_are_cut_without_a_complete_so_that_their_clients_come_back(
    tmp_path: Path, client_of: MakeClient, car: bytes
) -> None:
    with running(tmp_path, database_setting()) as server:
        ada = await _ada(server, client_of)
        await ada.upload(car)
        body = {"query": _VIEWER_EVENTS}
        headers = {**ada.headers, "accept": "text/event-stream"}
        async with ada.http.stream("POST", "/graphql", json=body, headers=headers) as response:
            pieces = response.aiter_text()
            seen = await anext(pieces)
            while "event: next" not in seen:
                seen += await anext(pieces)
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            seen += "".join([piece async for piece in pieces])
        assert await stopping == 0
    log = "".join(server.log)
    assert "event: complete" not in seen
    assert "Traceback" not in log, log
    assert "ERROR" not in log.upper(), log
