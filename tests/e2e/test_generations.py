"""Generations cancelled, retried, refused and followed, against the real process and a Gemini that the test steers."""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId
from PIL import Image

from app.api.ids import global_id
from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running
from tests.faults.provider import Gemini, overloaded, serving_gemini

_LIMITS = {"USER_RUNNING_LIMIT": "1", "USER_QUEUED_LIMIT": "1"}
_PHOTO = Path(__file__).parent.parent / "photos" / "animal-1.jpg"
_GENERATION = """query ($id: ID!) { generation(id: $id) { status queuePosition notBefore cancelRequestedAt
  retryOf { id } attempts { number outcome code message maybeBilled
    calls { number provider model startedAt endedAt outcome code maybeBilled providerRequestId } } } }"""
_EVENTS = """subscription ($since: DateTime) { viewerEvents(since: $since) {
  sequence type attempt message retryAt generation { id status } } }"""
_PREVIEWS = """subscription ($id: ID!) { generationProgress(id: $id) { type preview { url width height } } }"""


def _small() -> bytes:
    buffer = io.BytesIO()
    Image.open(_PHOTO).resize((200, 200)).save(buffer, "JPEG")
    return buffer.getvalue()


_SMALL = _small()


@pytest.fixture(scope="module")
def gemini() -> Iterator[Gemini]:
    with serving_gemini() as standin:
        yield standin


@pytest.fixture(scope="module")
def narrow(gemini: Gemini, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which one generation of a user runs and one waits; more are refused."""
    settings = {**database_setting(), **gemini.settings, **_LIMITS}
    with running(tmp_path_factory.mktemp("narrow"), settings) as server:
        yield server


@pytest.fixture
def held(gemini: Gemini) -> Iterator[Gemini]:
    """Calls come in and wait until the test lets them go."""
    gemini.hold()
    yield gemini
    gemini.release()


@pytest.fixture
async def eve(narrow: Server, client_of: MakeClient) -> Client:
    client = client_of(narrow)
    await client.sign_up()
    return client


@asynccontextmanager
async def _events(client: Client, since: str | None = None) -> AsyncGenerator[AsyncIterator[Any]]:
    """The viewer's events on a connection of their own."""
    async with client.socket() as socket, asyncio.timeout(30):
        yield (data["viewerEvents"] async for data in socket.subscribe(_EVENTS, {"since": since}))


async def _started(client: Client, **input: Any) -> str:
    payload = await client.upload(_SMALL, **input)
    assert payload["errors"] == []
    generation_id: str = payload["generation"]["id"]
    return generation_id


async def _running(client: Client, held: Gemini, **input: Any) -> str:
    """A generation whose call to the provider is under way."""
    calls = len(held.calls)
    generation_id = await _started(client, **input)
    await held.until(lambda seen: len(seen.calls) > calls)
    return generation_id


async def _look(client: Client, generation_id: str) -> Any:
    return (await client.run(_GENERATION, {"id": generation_id}))["generation"]


async def test_waiting_generation_is_cancelled_at_once(eve: Client, held: Gemini) -> None:
    first, second = await _running(eve, held), await _started(eve)
    assert (await _look(eve, second))["queuePosition"] == 0
    assert (await _look(eve, first))["queuePosition"] is None
    cancelled = await eve.cancel(second)
    assert (cancelled["errors"], cancelled["generation"]["status"]) == ([], "CANCELLED")
    assert cancelled["generation"]["endedAt"]
    assert [event["type"] for event in await eve.follow(second)] == ["QUEUED", "CANCELLED"]
    assert await eve.cancel(second) == cancelled
    held.release()
    assert (await eve.follow(first))[-1]["type"] == "SUCCEEDED"


async def test_running_generation_lets_go_of_its_call(eve: Client, held: Gemini) -> None:
    generation_id = await _running(eve, held)
    requested = await eve.cancel(generation_id)
    assert requested["errors"] == []
    assert requested["generation"]["cancelRequestedAt"]
    await held.until(lambda seen: len(seen.disconnected) > 0)
    types = [event["type"] for event in await eve.follow(generation_id)]
    assert types[-2:] == ["CANCEL_REQUESTED", "CANCELLED"]
    generation = await _look(eve, generation_id)
    (attempt,) = generation["attempts"]
    (call,) = attempt["calls"]
    assert (generation["status"], attempt["outcome"], attempt["maybeBilled"]) == ("CANCELLED", "CANCELLED", True)
    assert (call["number"], call["provider"], call["outcome"], call["maybeBilled"]) == (1, "gemini", "CANCELLED", True)
    assert call["startedAt"] <= call["endedAt"]


async def test_generation_between_two_attempts_says_so_and_is_cancelled_at_once(eve: Client, gemini: Gemini) -> None:
    gemini.then(overloaded(60))
    generation_id = await _started(eve)
    async with _events(eve, datetime.now(UTC).isoformat()) as events:
        while (told := await anext(events))["retryAt"] is None:
            pass
    generation = await _look(eve, generation_id)
    (failed,) = generation["attempts"]
    assert (generation["status"], generation["notBefore"]) == ("RUNNING", told["retryAt"])
    assert (failed["outcome"], failed["code"], failed["maybeBilled"]) == ("FAILED", "PROVIDER_UNAVAILABLE", False)
    assert "overloaded" in failed["message"]
    assert (await eve.cancel(generation_id))["generation"]["status"] == "CANCELLED"
    cancelled = await _look(eve, generation_id)
    assert (cancelled["notBefore"], cancelled["attempts"]) == (None, [failed])


async def test_cancel_that_comes_too_late_loses_to_the_result(eve: Client) -> None:
    generation_id = await _started(eve)
    await eve.follow(generation_id)
    late = await eve.cancel(generation_id)
    assert [(error["code"], error["path"]) for error in late["errors"]] == [("CONFLICT", ["input", "id"])]
    assert late["generation"]["status"] == "SUCCEEDED"
    ((call,),) = [attempt["calls"] for attempt in (await _look(eve, generation_id))["attempts"]]
    assert (call["outcome"], call["maybeBilled"]) == ("SUCCEEDED", False)
    assert call["providerRequestId"].startswith("response-")


async def test_retry_is_a_new_generation_of_the_same_recipe(eve: Client, held: Gemini) -> None:
    first, second = await _running(eve, held), await _started(eve)
    early = await eve.retry(second)
    await eve.cancel(second)
    retried = await eve.retry(second, idempotencyKey="again")
    held.release()
    assert [error["code"] for error in early["errors"]] == ["CONFLICT"]
    assert retried["generation"]["retryOf"] == {"id": second}
    assert await eve.finished(retried)
    assert await eve.finished({"generation": {"id": first}, "errors": []})
    same = await eve.retry(second, idempotencyKey="again")
    assert same["generation"]["id"] == retried["generation"]["id"]
    assert [error["code"] for error in (await eve.retry(first))["errors"]] == ["CONFLICT"]


async def test_only_ones_own_generations_are_cancelled_and_retried(
    eve: Client, narrow: Server, client_of: MakeClient
) -> None:
    generation_id, nothing = await _started(eve), global_id("Generation", PydanticObjectId())
    stranger = client_of(narrow)
    await stranger.sign_up()
    for ask in (stranger.cancel, stranger.retry):
        for identity, code in ((generation_id, "FORBIDDEN"), (nothing, "NOT_FOUND"), ("nonsense", "BAD_USER_INPUT")):
            payload = await ask(identity)
            assert [(error["code"], error["path"]) for error in payload["errors"]] == [(code, ["input", "id"])]
            assert payload["generation"] is None


async def test_full_lane_says_when_to_come_back_and_still_knows_its_keys(eve: Client, held: Gemini) -> None:
    first = await _running(eve, held, idempotencyKey="first")
    second = await _started(eve, idempotencyKey="second")
    refused = await eve.upload(_SMALL, idempotencyKey="third")
    (error,) = refused["errors"]
    assert (refused["generation"], error["code"], error["retryable"]) == (None, "RATE_LIMITED", True)
    assert error["retryAfterSeconds"] >= 1
    assert await _started(eve, idempotencyKey="first") == first
    assert await _started(eve, idempotencyKey="second") == second
    other = await eve.upload(_SMALL, idempotencyKey="second", prompt="Make it shine")
    assert [error["code"] for error in other["errors"]] == ["CONFLICT"]
    held.release()
    assert (await eve.follow(second))[-1]["type"] == "SUCCEEDED"


async def test_viewer_sees_what_is_open_and_then_all_that_happens(eve: Client, held: Gemini) -> None:
    first = await _running(eve, held)
    async with _events(eve) as events:
        snapshot = await anext(events)
        assert (snapshot["type"], snapshot["generation"]) == ("SNAPSHOT", {"id": first, "status": "RUNNING"})
        second = await _started(eve)
        held.release()
        seen: dict[str, list[Any]] = {first: [snapshot], second: []}
        while not all(happened and happened[-1]["type"] == "SUCCEEDED" for happened in seen.values()):
            event = await anext(events)
            seen[event["generation"]["id"]].append(event)
    for happened in seen.values():
        start = happened[0]["sequence"]
        assert [event["sequence"] for event in happened] == list(range(start, start + len(happened)))
    assert [event["type"] for event in seen[second]][:2] == ["QUEUED", "STARTED"]
    assert [event["attempt"] for event in seen[second]][:2] == [0, 1]


async def test_reconnected_viewer_is_told_what_ended_in_between(eve: Client, held: Gemini) -> None:
    held.release()
    generation_id = await _started(eve)
    last = (await eve.follow(generation_id))[-1]
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    async with _events(eve, since) as events:
        snapshot = await anext(events)
    assert snapshot["generation"] == {"id": generation_id, "status": "SUCCEEDED"}
    assert (snapshot["type"], snapshot["sequence"]) == ("SNAPSHOT", last["sequence"])
    held.hold()
    async with _events(eve) as events:
        waiting = asyncio.ensure_future(anext(events))
        other = await _started(eve)
        assert (await waiting)["generation"]["id"] == other


async def test_stranger_is_told_nothing(eve: Client, narrow: Server, client_of: MakeClient) -> None:
    stranger = client_of(narrow)
    await stranger.sign_up()
    await eve.follow(await _started(eve))
    async with _events(stranger, datetime.now(UTC).isoformat()) as events:
        waiting = asyncio.ensure_future(anext(events))
        own = await _started(stranger)
        assert (await waiting)["generation"]["id"] == own


async def test_preview_comes_as_a_picture_before_the_result(ada: Client) -> None:
    generation_id = await _started(ada)
    async with ada.socket() as socket:
        events = [data["generationProgress"] async for data in socket.subscribe(_PREVIEWS, {"id": generation_id})]
    (preview,) = [event["preview"] for event in events if event["type"] == "PREVIEW"]
    assert [event["preview"] for event in events if event["type"] != "PREVIEW"] == [None] * (len(events) - 1)
    async with httpx2.AsyncClient() as http:
        picture = await http.get(preview["url"])
    assert picture.status_code == 200
    assert Image.open(io.BytesIO(picture.content)).size == (preview["width"], preview["height"])
