"""What reaches a provider for each kind: the pictures, their order, the whole prompt; through the real SDKs."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest

from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running
from tests.e2e.test_kinds import make, photo

pytestmark = pytest.mark.timeout(120)
_IMAGE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { source combinedPrompt
  ornamentPictures { url } modelPicture { url } posePicture { url } themePictures { url } backgroundPicture { url }
  picture { url } } } }"""
_UPLOAD = {"upload": None}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with simulated_providers() as running_simulator:
        yield running_simulator


@pytest.fixture(scope="module", params=["gemini", "openai"])
def server(
    request: pytest.FixtureRequest, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = {**database_setting(), **simulator.settings, "EDIT_PROVIDER": request.param}
    with running(tmp_path_factory.mktemp("data"), settings) as started:
        yield started


@pytest.fixture
async def eve(server: Server, simulator: Simulator, client_of: MakeClient) -> Client:
    simulator.reset()
    client = client_of(server)
    await client.sign_up()
    return client


async def hashes(*pictures: Any) -> list[str]:
    """The SHA-256 of the stored bytes of pictures, lists of them included, nulls left out."""
    listed: list[Any] = []
    for given in pictures:
        listed += given if isinstance(given, list) else [given] if given else []
    async with httpx2.AsyncClient() as http:
        return [hashlib.sha256((await http.get(picture["url"])).content).hexdigest() for picture in listed]


async def made(client: Client, name: str, input: Mapping[str, Any], photos: Mapping[str, bytes]) -> tuple[str, Any]:
    """The id of the image that a mutation makes, and the image."""
    image_id = await client.finished(await make(client, name, input, photos))
    return image_id, (await client.run(_IMAGE, {"id": image_id}))["node"]


async def test_ornament_reaches_it_alone_and_a_regeneration_sends_what_was_made(
    eve: Client, simulator: Simulator
) -> None:
    image_id, image = await made(
        eve, "uploadOrnament", {"image": _UPLOAD, "prompt": "Make it shine"}, {"image.upload": photo("car-1")}
    )
    child_id = await eve.finished(await eve.regenerate(image_id, "Add gold accents"))
    child = (await eve.run(_IMAGE, {"id": child_id}))["node"]
    first, second = simulator.calls
    assert (image["source"], child["source"]) == ("PROVIDER", "PROVIDER")
    assert list(first.references) == await hashes(image["ornamentPictures"])
    assert list(second.references) == await hashes(image["picture"])
    assert first.prompt == "Remove the background and replace it with white. Make it shine"
    assert second.prompt == f"{first.prompt}. Add gold accents" == child["combinedPrompt"]


async def test_background_picture_comes_second(eve: Client, simulator: Simulator) -> None:
    _, image = await made(
        eve,
        "changeBackground",
        {"ornamentImage": _UPLOAD, "backgroundImage": _UPLOAD, "prompt": "softly"},
        {"ornamentImage.upload": photo("car-1"), "backgroundImage.upload": photo("plants-1")},
    )
    [call] = simulator.calls
    assert list(call.references) == await hashes(image["ornamentPictures"], image["backgroundPicture"])
    assert call.prompt == image["combinedPrompt"]


async def test_pose_comes_after_the_ornament(eve: Client, simulator: Simulator) -> None:
    _, image = await made(
        eve,
        "generateModelWithOrnament",
        {"ornamentImage": _UPLOAD, "poseStyle": _UPLOAD, "prompt": "", "measurements": "18 mm"},
        {"ornamentImage.upload": photo("car-1"), "poseStyle.upload": photo("girl-2")},
    )
    [call] = simulator.calls
    assert list(call.references) == await hashes(image["ornamentPictures"], image["posePicture"])
    assert call.prompt == image["combinedPrompt"]
    assert call.prompt is not None
    assert call.prompt.endswith("Measurements: 18 mm")


async def test_person_comes_first_then_the_ornament_then_the_pose(eve: Client, simulator: Simulator) -> None:
    _, image = await made(
        eve,
        "generateRealModelWithOrnament",
        {"modelImage": _UPLOAD, "ornamentImage": _UPLOAD, "poseStyle": _UPLOAD, "prompt": "at dusk"},
        {
            "modelImage.upload": photo("girl-2"),
            "ornamentImage.upload": photo("car-1"),
            "poseStyle.upload": photo("animal-1"),
        },
    )
    [call] = simulator.calls
    expected = await hashes(image["modelPicture"], image["ornamentPictures"], image["posePicture"])
    assert list(call.references) == expected
    assert call.prompt == image["combinedPrompt"]


async def test_campaign_sends_ornaments_person_and_themes_in_that_order(eve: Client, simulator: Simulator) -> None:
    _, image = await made(
        eve,
        "generateCampaignShot",
        {
            "ornamentImages": [_UPLOAD, _UPLOAD],
            "ornamentNames": ["a ring", "a chain"],
            "modelType": "REAL_MODEL",
            "modelImage": _UPLOAD,
            "themeImages": [_UPLOAD],
            "prompt": "in the morning",
        },
        {
            "ornamentImages.0.upload": photo("car-1"),
            "ornamentImages.1.upload": photo("animal-1"),
            "modelImage.upload": photo("girl-2"),
            "themeImages.0.upload": photo("plants-1"),
        },
    )
    [call] = simulator.calls
    expected = await hashes(image["ornamentPictures"], image["modelPicture"], image["themePictures"])
    assert list(call.references) == expected
    assert len(expected) == 4
    assert call.prompt == image["combinedPrompt"]
