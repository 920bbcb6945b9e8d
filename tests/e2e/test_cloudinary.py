"""The whole server with its pictures in Cloudinary, which the simulator plays."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.simulator.cloudinary.account import API_SECRET
from app.simulator.scenario import Operation, Provider, Scenario
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running

_PICTURE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage {
  picture { url small: url(width: 100) bytes type } uploadedPicture { url bytes } } } }"""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulated_providers() as running_simulator:
        yield running_simulator


@pytest.fixture
def far_server(simulator: Simulator, tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, {**database_setting(), **simulator.store_settings()}) as started:
        yield started


@pytest.fixture
async def ada(far_server: Server, client_of: MakeClient) -> Client:
    client = client_of(far_server)
    await client.sign_up()
    return client


async def test_pictures_come_from_cloudinary_and_a_generation_downloads_none(
    ada: Client, far_server: Server, simulator: Simulator, tmp_path: Path, car: bytes
) -> None:
    image_id = await ada.finished(await ada.upload(car, prompt="Make it shine"))
    operations = {call.operation for call in simulator.calls}
    assert operations == {Operation.CLOUDINARY_UPLOAD}
    image = (await ada.run(_PICTURE, {"id": image_id}))["node"]
    async with httpx2.AsyncClient() as http:
        whole = await http.get(image["picture"]["url"])
        small = await http.get(image["picture"]["small"], headers={"accept": "image/webp"})
    assert image["picture"]["url"].startswith(f"{simulator.url}/simulated/image/authenticated/s--")
    assert (len(whole.content), whole.headers["content-type"]) == (image["picture"]["bytes"], image["picture"]["type"])
    assert small.headers["content-type"] == "image/webp"
    assert not (tmp_path / "media" / "pictures").exists()
    assert far_server.stop() == 0
    assert API_SECRET not in far_server.banner + "".join(far_server.log)


async def test_upload_that_cloudinary_refuses_is_a_failure_with_its_reason(
    ada: Client, simulator: Simulator, car: bytes
) -> None:
    simulator.always(Provider.CLOUDINARY, Scenario.MODERATION)
    (refused,) = (await ada.upload(car))["errors"]
    assert (refused["code"], refused["path"]) == ("BAD_USER_INPUT", ["input", "image"])
    simulator.always(Provider.CLOUDINARY, Scenario.REJECTED_KEY)
    (refused,) = (await ada.upload(car))["errors"]
    assert (refused["code"], refused["path"]) == ("PROVIDER_REJECTED_KEY", None)
    assert "CLOUDINARY_URL" in refused["message"]
