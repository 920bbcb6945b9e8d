"""A server that is killed in the middle of the work: nothing is lost, nothing is doubled."""

import io
import signal
from pathlib import Path

import pytest
from PIL import Image

from tests.databases import database_setting
from tests.e2e.conftest import MakeClient
from tests.e2e.server import running

_PHOTO = Path(__file__).parent.parent / "photos" / "animal-1.jpg"
_GALLERY = (
    "{ viewer { ornamentImages { nodes { id } } generations { nodes { id status attempts { number outcome } } } } }"
)
_PROGRESS = "subscription ($id: ID!) { generationProgress(id: $id) { type } }"


def _large_photo() -> bytes:
    buffer = io.BytesIO()
    Image.open(_PHOTO).resize((4_000, 3_000)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.mark.long
async def test_killed_server_leaves_one_image_after_its_restart(tmp_path: Path, client_of: MakeClient) -> None:
    settings = {**database_setting(), "LEASE_S": "3", "SWEEP_EVERY_S": "0.5"}
    with running(tmp_path, settings, fresh=True) as first:
        ada = client_of(first)
        await ada.sign_up()
        payload = await ada.upload(_large_photo())
        generation_id = payload["generation"]["id"]
        async with ada.socket() as socket:
            async for data in socket.subscribe(_PROGRESS, {"id": generation_id}):
                if data["generationProgress"]["type"] == "STAGE":
                    break
            first.stop(signal.SIGKILL)
    with running(tmp_path, settings) as second:
        again = client_of(second)
        again.token = ada.token
        events = await again.follow(generation_id)
        viewer = (await again.run(_GALLERY))["viewer"]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events].count("SUCCEEDED") == 1
    assert len(viewer["ornamentImages"]["nodes"]) == 1
    (generation,) = viewer["generations"]["nodes"]
    assert generation["status"] == "SUCCEEDED"
    assert [attempt["number"] for attempt in generation["attempts"]] == [1, 2]
