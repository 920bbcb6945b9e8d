"""Calls to providers that wait, fail, hang and are called off, through the real server and the real SDKs."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.simulator.scenario import Operation, Provider, Scenario
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.databases import database_setting
from tests.e2e.client import PROGRESS, Client
from tests.e2e.server import Server, running
from tests.faults.plant import small_photo
from tests.faults.traces import traces

_LEDGER = """query ($id: ID!) { node(id: $id) { ... on Generation {
  status failure { code message } attempts { outcome code calls { number outcome code maybeBilled usage {
  pictures } } } } } }"""
_GALLERY = "{ viewer { ornamentImages { nodes { id picture { url } uploadedPicture { url } } } } }"
_FULL = bool(os.environ.get("FULL"))
_PROMPT = "a wish that is nobody's business"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulated_providers() as running_simulator:
        yield running_simulator


@asynccontextmanager
async def shop(folder: Path, simulator: Simulator, **settings: str) -> AsyncGenerator[tuple[Server, Client]]:
    """A server whose Gemini is simulated, and a person with an account."""
    with running(folder, {**database_setting(), **simulator.settings, **settings}) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=30) as http:
            client = Client(http, server.sockets_url)
            await client.sign_up()
            yield server, client


async def ledger(client: Client, generation_id: str) -> Any:
    """The generation with its attempts and calls."""
    return (await client.run(_LEDGER, {"id": generation_id}))["node"]


async def fetched(url: str) -> bytes:
    """What a link leads to, whole."""
    async with httpx2.AsyncClient() as http:
        answer = await http.get(url)
        assert answer.status_code == httpx2.codes.OK, url
        return answer.content


async def ended(client: Client, payload: Any) -> Any:
    """The generation that a mutation started, once it has ended."""
    await client.follow(payload["generation"]["id"])
    return await ledger(client, payload["generation"]["id"])


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_deadline_does_not_run_while_a_call_waits_for_its_slot(tmp_path: Path, simulator: Simulator) -> None:
    simulator.takes_s = 1.2
    limits = {"GEMINI_CONCURRENCY": "1", "PROVIDER_TIMEOUT_S": "3", "GENERATION_ATTEMPTS": "1"}
    async with shop(tmp_path, simulator, **limits) as (_, client):
        payloads = [await client.upload(small_photo(number)) for number in range(4)]
        generations = await asyncio.gather(*(ended(client, payload) for payload in payloads))
    assert [generation["status"] for generation in generations] == ["SUCCEEDED"] * 4
    assert simulator.most_in_flight == 1


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_provider_that_fails_five_times_is_left_alone_and_then_probed(
    tmp_path: Path, simulator: Simulator
) -> None:
    simulator.always(Provider.GEMINI, Scenario.UNAVAILABLE)
    async with shop(tmp_path, simulator, GENERATION_ATTEMPTS="1") as (_, client):
        failed = [await ended(client, await client.upload(small_photo(number))) for number in range(5)]
        simulator.always(Provider.GEMINI)
        payload = await client.upload(small_photo(5))
        told: list[str] = []
        async with client.socket() as socket:
            async for data in socket.subscribe(PROGRESS, {"id": payload["generation"]["id"], "after": 0}):
                if data["generationProgress"]["type"] == "RETRYING":
                    told.append(data["generationProgress"]["message"])
                    break
        assert simulator.came == 5
        assert "asked again in" in told[0]
        if _FULL:  # half a minute later
            assert (await ended(client, payload))["status"] == "SUCCEEDED"
        waiting = await ledger(client, payload["generation"]["id"])
    assert {generation["failure"]["code"] for generation in failed} == {"PROVIDER_UNAVAILABLE"}
    assert [len(generation["attempts"][0]["calls"]) for generation in failed] == [1] * 5
    assert waiting["attempts"][0]["calls"] == [], "what was never sent is not in the ledger"


@pytest.mark.timeout(120)
async def test_rejected_key_is_asked_once_and_said_to_everybody(tmp_path: Path, simulator: Simulator) -> None:
    async with shop(tmp_path, simulator, GOOGLE_API_KEY="sim-rejected-key") as (_, client):
        generations = [await ended(client, await client.upload(small_photo(number))) for number in range(3)]
    assert {generation["failure"]["code"] for generation in generations} == {"PROVIDER_REJECTED_KEY"}
    assert simulator.came == 1


@pytest.mark.timeout(120)
async def test_call_past_its_deadline_is_ended_and_may_be_billed(tmp_path: Path, simulator: Simulator) -> None:
    simulator.always(Provider.GEMINI, Scenario.SLOW)
    async with shop(tmp_path, simulator, PROVIDER_TIMEOUT_S="1", GENERATION_ATTEMPTS="1") as (_, client):
        generation = await ended(client, await client.upload(small_photo(1)))
        await simulator.until(lambda seen: len(seen.disconnected) == 1)
    [call] = generation["attempts"][0]["calls"]
    assert (generation["failure"]["code"], call["code"], call["maybeBilled"]) == ("TIMEOUT", "TIMEOUT", True)


@pytest.mark.timeout(120)
async def test_cancel_while_the_picture_is_stored_ends_the_upload(tmp_path: Path, simulator: Simulator) -> None:
    simulator.then(Provider.CLOUDINARY, Scenario.FINE, Scenario.SLOW)
    async with shop(tmp_path, simulator, **simulator.store_settings()) as (_, client):
        payload = await client.upload(small_photo(1))
        await simulator.until(
            lambda seen: [call.operation for call in seen.calls].count(Operation.CLOUDINARY_UPLOAD) == 2
        )
        assert (await client.cancel(payload["generation"]["id"]))["errors"] == []
        generation = await ended(client, payload)
        await simulator.until(lambda seen: seen.in_flight == 0)
        assert (await client.run(_GALLERY))["viewer"]["ornamentImages"]["nodes"] == []
    assert generation["status"] == "CANCELLED"
    [call] = generation["attempts"][0]["calls"]
    assert (call["outcome"], call["maybeBilled"], call["usage"]["pictures"]) == ("SUCCEEDED", False, 1)
    assert len(simulator.disconnected) == 1


@pytest.mark.timeout(120)
async def test_client_that_goes_away_stops_nothing(tmp_path: Path, simulator: Simulator) -> None:
    simulator.hold()
    async with shop(tmp_path, simulator) as (_, client):
        payload = await client.upload(small_photo(1))
        generation_id = payload["generation"]["id"]
        async with client.socket() as socket:
            following = socket.subscribe(PROGRESS, {"id": generation_id, "after": 0})
            await anext(following)
            await simulator.until(lambda seen: seen.in_flight == 1)
            socket.connection.transport.abort()
        await following.aclose()  # type: ignore[attr-defined]
        simulator.release()
        assert (await ended(client, payload))["status"] == "SUCCEEDED"
    assert not simulator.disconnected


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("provider", ["gemini", "openai"])
async def test_no_key_prompt_or_picture_is_in_any_log_line(tmp_path: Path, simulator: Simulator, provider: str) -> None:
    scenarios = (
        Scenario.FINE,
        Scenario.FAILING,
        Scenario.BROKEN_JSON,
        Scenario.CUT_STREAM,
        Scenario.WRONG_BASE64,
        Scenario.MODERATION,
        Scenario.REJECTED_KEY,
    )
    simulator.then(Provider(provider), *scenarios)
    secret = f"sim-{uuid4().hex}"
    settings = {
        **simulator.store_settings(),
        "GOOGLE_API_KEY": secret,
        "OPENAI_API_KEY": secret,
        "EDIT_PROVIDER": provider,
        "LOG_LEVEL": "DEBUG",
        "GENERATION_ATTEMPTS": "1",
    }
    async with shop(tmp_path, simulator, **settings) as (server, client):
        for number in range(len(scenarios)):
            await ended(client, await client.upload(small_photo(number), prompt=_PROMPT))
        [image] = (await client.run(_GALLERY))["viewer"]["ornamentImages"]["nodes"]
        pictures = [await fetched(image[name]["url"]) for name in ("picture", "uploadedPicture")]
        assert server.stop() == 0
        log = "".join(server.log)
    assert log.count("generation_ended") == len(scenarios)
    for told in (secret, _PROMPT, "simulated-secret", *(trace for picture in pictures for trace in traces(picture))):
        assert told not in log
