"""The server and workers as processes of their own, over a real Redis and one database."""

import io
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from pymongo import AsyncMongoClient

from tests.contract.conftest import RedisServer, running_redis
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running

_PHOTO = Path(__file__).parent.parent / "photos" / "animal-1.jpg"
_PROGRESS = "subscription ($id: ID!) { generationProgress(id: $id) { type } }"
_ATTEMPTS = "query ($id: ID!) { generation(id: $id) { status attempts { number outcome } } }"
_IMAGES = "{ viewer { ornamentImages { nodes { id } } } }"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def shared(mongodb_url: str, redis: RedisServer) -> AsyncIterator[dict[str, str]]:
    """The settings that the server and its workers share."""
    name = f"regen_workers_{uuid4().hex}"
    base, _, options = mongodb_url.partition("?")
    url = f"{base.rstrip('/')}/{name}?{options}"
    yield {"MONGODB_URL": url, "REDIS_URL": redis.url, "LEASE_S": "3", "SWEEP_EVERY_S": "0.5"}
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
        await client.drop_database(name)


@pytest.fixture
def api(shared: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """A server that does no work itself."""
    with running(tmp_path, {**shared, "WORKER_SLOTS": "0"}) as server:
        yield server


@pytest.fixture
async def ada(api: Server, client_of: MakeClient) -> Client:
    client = client_of(api)
    await client.sign_up()
    return client


def _large_photo() -> bytes:
    buffer = io.BytesIO()
    Image.open(_PHOTO).resize((4_000, 3_000)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.mark.long
async def test_worker_of_its_own_makes_what_the_server_accepts(
    ada: Client, api: Server, shared: dict[str, str], tmp_path: Path, car: bytes
) -> None:
    assert "Redis Streams" in api.banner
    waiting = await ada.upload(car)
    with running(tmp_path, shared, "worker", fresh=True) as worker:
        root = await ada.finished(waiting)
        child = await ada.finished(await ada.regenerate(root, "Make it brighter"))
        assert worker.stop() == 0
    images = (await ada.run(_IMAGES))["viewer"]["ornamentImages"]["nodes"]
    assert [image["id"] for image in images] == [child, root]


@pytest.mark.long
async def test_killed_workers_generation_is_ended_once_by_another(
    ada: Client, shared: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path, shared, "worker") as first:
        generation_id = (await ada.upload(_large_photo()))["generation"]["id"]
        async with ada.socket() as socket:
            async for data in socket.subscribe(_PROGRESS, {"id": generation_id}):
                if data["generationProgress"]["type"] == "STAGE":
                    break
        first.stop(signal.SIGKILL)
    with running(tmp_path, shared, "worker"):
        events = await ada.follow(generation_id)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events].count("SUCCEEDED") == 1
    generation = (await ada.run(_ATTEMPTS, {"id": generation_id}))["generation"]
    assert [attempt["number"] for attempt in generation["attempts"]] == [1, 2]
    assert len((await ada.run(_IMAGES))["viewer"]["ornamentImages"]["nodes"]) == 1


@pytest.mark.long
async def test_server_without_redis_accepts_work_and_says_that_it_is_degraded(
    ada: Client, redis: RedisServer, shared: dict[str, str], tmp_path: Path, car: bytes
) -> None:
    redis.stop(signal.SIGKILL)
    try:
        waiting = await ada.upload(car)
        assert waiting["errors"] == []
        ready = await ada.http.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() == {"status": "degraded", "database": "ok", "queue": "unavailable"}
    finally:
        redis.start()
    with running(tmp_path, shared, "worker"):
        await ada.finished(waiting)


@pytest.mark.parametrize("missing", ["REDIS_URL", "MONGODB_URL"])
def test_worker_says_what_it_needs(tmp_path: Path, missing: str) -> None:
    settings = {"REDIS_URL": "redis://127.0.0.1:1", "MONGODB_URL": "mongodb://127.0.0.1:1"}
    del settings[missing]
    with pytest.raises(AssertionError, match=f"needs {missing}"), running(tmp_path, settings, "worker"):
        pass
