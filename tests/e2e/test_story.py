"""The main job from sign-up to a regenerated image, against the real process."""

import io
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import running

_PHOTOS = Path(__file__).parent.parent / "photos"
_IMAGE = """query ($id: ID!) { node(id: $id) { id ... on OrnamentImage {
  kind source prompt originalPrompt newPrompt combinedPrompt backgroundColor applied note depth createdAt
  picture { id url(width: 400) full: url width height bytes type thumbhash }
  uploadedPicture { id url width height }
  parent { id } root { id } children { nodes { id } edges { cursor } pageInfo { hasNextPage } }
  generation { id status recipe { prompts provider model } attempts { number outcome } } } } }"""
_GALLERY = """{ viewer { user { email } ornamentImages { nodes { id } } generations { nodes { id status } } } }"""
_BASE = "Remove the background and replace it with white"


async def _image(client: Client, image_id: str) -> Any:
    return (await client.run(_IMAGE, {"id": image_id}))["node"]


async def _fetch(url: str) -> Image.Image:
    async with httpx2.AsyncClient() as http:
        response = await http.get(url)
    assert response.status_code == 200, response.text
    return Image.open(io.BytesIO(response.content)).convert("RGB")


def _overlap(made: Image.Image, cutout: Path) -> float:
    """Intersection over union of what is not white and the reference's object."""
    truth = np.asarray(Image.open(cutout).getchannel("A").resize(made.size)) > 127
    found = np.asarray(made).min(axis=2) < 250
    return float((truth & found).sum() / (truth | found).sum())


@pytest.mark.parametrize(("photo", "overlap"), [("car-1", 0.6), ("animal-1", 0.85)])
async def test_photo_becomes_a_product_picture_on_white(ada: Client, photo: str, overlap: float) -> None:
    payload = await ada.upload((_PHOTOS / f"{photo}.jpg").read_bytes(), prompt="Make it shine")
    assert payload["generation"]["status"] == "QUEUED"
    events = await ada.follow(payload["generation"]["id"])
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [events[0]["type"], events[1]["type"], events[-1]["type"]] == ["QUEUED", "STARTED", "SUCCEEDED"]
    assert events[-1]["percent"] == 100
    image = await _image(ada, events[-1]["generation"]["result"]["id"])
    assert image["source"] == "LOCAL"
    assert image["note"]
    assert image["originalPrompt"] == image["combinedPrompt"] == f"{_BASE}. Make it shine"
    assert image["newPrompt"] is None
    assert image["parent"] is None
    assert image["root"]["id"] == image["id"]
    made = await _fetch(image["picture"]["full"])
    assert made.size == (image["picture"]["width"], image["picture"]["height"])
    corners = [made.getpixel(at) for at in ((0, 0), (made.width - 1, 0), (made.width - 1, made.height - 1))]
    assert corners == [(255, 255, 255)] * 3
    assert _overlap(made, _PHOTOS / f"{photo}.cutout.png") > overlap
    assert (await _fetch(image["picture"]["url"])).width <= 400


async def test_regenerations_keep_parents_children_and_prompts(ada: Client, car: bytes) -> None:
    root = await ada.finished(await ada.upload(car, prompt="Make it shine"))
    child = await ada.finished(await ada.regenerate(root, "Add gold accents"))
    grandchild = await ada.finished(await ada.regenerate(child, "Make it brighter"))
    top, middle, last = [await _image(ada, image_id) for image_id in (root, child, grandchild)]
    assert last["combinedPrompt"] == f"{_BASE}. Make it shine. Add gold accents. Make it brighter"
    assert last["originalPrompt"] == f"{_BASE}. Make it shine"
    assert last["newPrompt"] == "Make it brighter"
    assert [middle["parent"]["id"], last["parent"]["id"]] == [root, child]
    assert [top["root"]["id"], middle["root"]["id"], last["root"]["id"]] == [root] * 3
    assert [node["id"] for node in top["children"]["nodes"]] == [child]
    assert [node["id"] for node in middle["children"]["nodes"]] == [grandchild]
    assert last["uploadedPicture"]["id"] == top["uploadedPicture"]["id"]
    assert last["applied"]
    assert len({top["picture"]["id"], middle["picture"]["id"], last["picture"]["id"]}) == 3
    before, after = await _fetch(middle["picture"]["full"]), await _fetch(last["picture"]["full"])
    assert np.asarray(after).mean() > np.asarray(before).mean()
    gallery = (await ada.run(_GALLERY))["viewer"]
    assert [node["id"] for node in gallery["ornamentImages"]["nodes"]] == [grandchild, child, root]


async def test_another_user_sees_nothing_of_it(ada: Client, stranger: Client, car: bytes) -> None:
    payload = await ada.upload(car)
    image_id = await ada.finished(payload)
    image = await _image(ada, image_id)
    generation_id = payload["generation"]["id"]
    await stranger.sign_up()
    for hidden in (image_id, generation_id, image["picture"]["id"]):
        assert (await stranger.run("query ($id: ID!) { node(id: $id) { id } }", {"id": hidden}))["node"] is None
    assert (await stranger.run("query ($id: ID!) { generation(id: $id) { id } }", {"id": generation_id})) == {
        "generation": None
    }
    assert (await stranger.run(_GALLERY))["viewer"]["ornamentImages"]["nodes"] == []
    refused = await stranger.regenerate(image_id, "Make it mine")
    assert [error["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    mutation = "mutation ($input: UploadOrnamentInput!) { uploadOrnament(input: $input) { errors { code path } } }"
    stolen = await stranger.run(mutation, {"input": {"image": {"id": image["picture"]["id"]}}})
    assert stolen["uploadOrnament"]["errors"] == [{"code": "FORBIDDEN", "path": ["input", "image"]}]
    unsigned = image["picture"]["full"].partition("?")[0]
    async with httpx2.AsyncClient() as http:
        assert (await http.get(unsigned)).status_code == 403


async def test_stored_picture_is_used_again_without_a_second_upload(ada: Client, car: bytes) -> None:
    image = await _image(ada, await ada.finished(await ada.upload(car)))
    variables = {"input": {"image": {"id": image["uploadedPicture"]["id"]}, "backgroundColor": "navy"}}
    mutation = """mutation ($input: UploadOrnamentInput!) { uploadOrnament(input: $input) {
      generation { id } errors { code message } } }"""
    again = await _image(ada, await ada.finished((await ada.run(mutation, variables))["uploadOrnament"]))
    assert again["uploadedPicture"]["id"] == image["uploadedPicture"]["id"]
    assert (await _fetch(again["picture"]["full"])).getpixel((0, 0)) == pytest.approx((0, 0, 128), abs=3)


async def test_restarted_server_still_has_everything(tmp_path: Path, client_of: MakeClient, car: bytes) -> None:
    settings = database_setting()
    with running(tmp_path, settings) as first:
        ada = client_of(first)
        await ada.sign_up()
        image_id = await ada.finished(await ada.upload(car))
        before = await _image(ada, image_id)
        assert first.stop() == 0
    with running(tmp_path, settings) as second:
        same = client_of(second)
        same.token = ada.token
        after = await _image(same, image_id)
        assert (await _fetch(after["picture"]["full"])).size == (
            before["picture"]["width"],
            before["picture"]["height"],
        )
        for changing in ("picture", "uploadedPicture"):
            assert after.pop(changing)["id"] == before.pop(changing)["id"]
        assert after == before
