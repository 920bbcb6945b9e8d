"""Many at once, and the same once more, against the real process."""

import asyncio
import io
import signal
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import running

_MANY = """mutation ($input: RegenerateImagesInput!) { regenerateImages(input: $input) {
  batch { id counts { total queued running succeeded failed } } errors { code message path } } }"""
_VARY = """mutation ($input: RegenerateImageInput!) { regenerateImage(input: $input) {
  generations { id } errors { code message path } } }"""
_REPLAY = """mutation ($input: ReplayGenerationInput!) { replayGeneration(input: $input) {
  generation { id } deterministic errors { code message path } } }"""
_RETRY = """mutation ($input: RetryBatchInput!) { retryBatch(input: $input) {
  batch { id counts { queued succeeded failed } } errors { code message path } } }"""
_CANCEL = """mutation ($input: CancelBatchInput!) { cancelBatch(input: $input) {
  batch { id cancelRequestedAt } errors { code message path } } }"""
_PROGRESS = """subscription ($id: ID!) { batchProgress(id: $id) {
  batch { finished counts { total queued running succeeded failed cancelled } }
  changed { number status subjectId failure { code } generation { id result { ... on OrnamentImage { id parentId } } } }
  } }"""
_IMAGE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage {
  source prompts: combinedPrompt parentId generation { id } picture { id url } } } }"""
_BATCHES = "{ viewer { batches { nodes { id items(first: 100) { nodes { generation { id } } } } } } }"
_GENERATIONS = "{ viewer { generations(first: 100) { nodes { id status } } } }"
_EVENTS = "subscription { viewerEvents { type } }"


async def _follow(client: Client, batch_id: str) -> list[Any]:
    async with client.socket() as socket:
        return [data["batchProgress"] async for data in socket.subscribe(_PROGRESS, {"id": batch_id})]


async def _batch(client: Client, ids: Sequence[str], **input: Any) -> str:
    variables = {"input": {"ids": list(ids), "prompt": "Make it brighter", **input}}
    payload = (await client.run(_MANY, variables))["regenerateImages"]
    assert payload["errors"] == [], payload
    batch_id: str = payload["batch"]["id"]
    return batch_id


async def _children(client: Client, ids: Sequence[str]) -> list[str]:
    """The images that a batch of those makes."""
    told = await _follow(client, await _batch(client, ids))
    ended = [one for now in told for one in now["changed"] if one["status"] == "SUCCEEDED"]
    return [one["generation"]["result"]["id"] for one in ended]


async def _bytes(image: Any) -> bytes:
    async with httpx2.AsyncClient() as http:
        response = await http.get(image["picture"]["url"])
    assert response.status_code == 200
    return response.content


def _dot() -> bytes:
    """A photo that takes next to no time."""
    file = io.BytesIO()
    photo = Image.new("RGB", (96, 96), "white")
    photo.paste((90, 60, 20), (30, 30, 66, 66))
    photo.save(file, "PNG")
    return file.getvalue()


async def test_batch_is_followed_to_its_end_and_tells_each_item_once(ada: Client, stranger: Client) -> None:
    await stranger.sign_up()
    foreign = await stranger.finished(await stranger.upload(_dot()))
    root = await ada.finished(await ada.upload(_dot()))
    child = await ada.finished(await ada.regenerate(root, "Add gold accents"))
    told = await _follow(ada, await _batch(ada, [root, foreign, child]))
    ends = [one for now in told for one in now["changed"] if one["status"] not in {"QUEUED", "RUNNING"}]
    assert sorted((one["number"], one["status"]) for one in ends) == [(1, "SUCCEEDED"), (2, "FAILED"), (3, "SUCCEEDED")]
    for one in ends:
        if one["status"] == "SUCCEEDED":
            assert one["generation"]["result"]["parentId"] == one["subjectId"]
        else:
            assert (one["failure"]["code"], one["generation"]) == ("FORBIDDEN", None)
    last = told[-1]["batch"]
    assert last["finished"]
    assert last["counts"] == {"total": 3, "queued": 0, "running": 0, "succeeded": 2, "failed": 1, "cancelled": 0}
    assert [now["batch"]["finished"] for now in told[:-1]] == [False] * (len(told) - 1)


async def test_variations_become_siblings(ada: Client) -> None:
    root = await ada.finished(await ada.upload(_dot()))
    variables = {"input": {"imageId": root, "prompt": "Make it brighter", "variations": 3}}
    payload = (await ada.run(_VARY, variables))["regenerateImage"]
    made = [(await ada.follow(one["id"]))[-1]["generation"]["result"]["id"] for one in payload["generations"]]
    assert len(set(made)) == 3
    assert {(await ada.run(_IMAGE, {"id": one}))["node"]["parentId"] for one in made} == {root}


@pytest.mark.long
async def test_replay_of_local_work_is_the_same_picture_byte_for_byte(ada: Client, car: bytes) -> None:
    root = await ada.finished(await ada.upload(car))
    child = await ada.finished(await ada.regenerate(root, "Make it brighter and add gold accents"))
    for image_id in (root, child):
        image = (await ada.run(_IMAGE, {"id": image_id}))["node"]
        variables = {"input": {"generationId": image["generation"]["id"], "idempotencyKey": f"again {image_id}"}}
        replay = (await ada.run(_REPLAY, variables))["replayGeneration"]
        assert (replay["errors"], replay["deterministic"]) == ([], True)
        other_id = (await ada.follow(replay["generation"]["id"]))[-1]["generation"]["result"]["id"]
        other = (await ada.run(_IMAGE, {"id": other_id}))["node"]
        assert other_id != image_id
        assert sha256(await _bytes(other)).digest() == sha256(await _bytes(image)).digest()
        assert (other["parentId"], other["prompts"]) == (image["parentId"], image["prompts"])
        assert (await ada.run(_REPLAY, variables))["replayGeneration"]["generation"] == replay["generation"]


@pytest.mark.long
async def test_cancelled_batch_is_finished_by_a_retry(ada: Client, car: bytes) -> None:
    root = await ada.finished(await ada.upload(car))
    child = await ada.finished(await ada.regenerate(root, "Add gold accents"))
    images = [root, child, *await _children(ada, [root, child])]
    batch_id = await _batch(ada, images)
    cancelled = (await ada.run(_CANCEL, {"input": {"id": batch_id}}))["cancelBatch"]
    assert cancelled["errors"] == []
    assert cancelled["batch"]["cancelRequestedAt"]
    stopped = (await _follow(ada, batch_id))[-1]["batch"]
    assert stopped["finished"]
    assert stopped["counts"]["cancelled"] > 0
    retried = (await ada.run(_RETRY, {"input": {"id": batch_id}}))["retryBatch"]
    assert retried["errors"] == []
    counts = (await _follow(ada, batch_id))[-1]["batch"]["counts"]
    assert (counts["total"], counts["succeeded"]) == (4, 4)


@pytest.mark.long
async def test_batch_whose_server_is_killed_while_it_starts_is_started_whole_and_each_item_once(
    tmp_path: Path, client_of: MakeClient
) -> None:
    settings = {**database_setting(), "SWEEP_EVERY_S": "0.5", "LEASE_S": "5"}
    with running(tmp_path, settings) as first:
        ada = client_of(first)
        await ada.sign_up()
        images = [await ada.finished(await ada.upload(_dot()))]
        while len(images) < 16:
            images += await _children(ada, images)
        async with ada.socket() as socket:
            events = socket.subscribe(_EVENTS, {})
            asked = asyncio.create_task(ada.post(_MANY, {"input": {"ids": images, "prompt": "Make it brighter"}}))
            await anext(events)  # the first item is there
            first.stop(signal.SIGKILL)
        await asyncio.wait((asked,))
    with running(tmp_path, settings) as second:
        same = client_of(second)
        same.token = ada.token
        newest = (await same.run(_BATCHES))["viewer"]["batches"]["nodes"][0]
        begun = [item["generation"] is not None for item in newest["items"]["nodes"]]
        assert len(begun) == 16
        assert not all(begun)
        told = await _follow(same, newest["id"])
        assert told[-1]["batch"]["counts"]["succeeded"] == 16
        made = (await same.run(_GENERATIONS))["viewer"]["generations"]["nodes"]
        assert len(made) == 16 + 16  # an upload, 15 children, and one more of each
