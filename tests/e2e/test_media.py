"""Pictures over HTTP: signed, cacheable, in ranges."""

import hashlib
from typing import Any

import httpx2
import pytest

from tests.e2e.client import Client

_PICTURE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage {
  uploadedPicture { url small: url(width: 100) bytes type width } } } }"""


@pytest.fixture
async def picture(ada: Client, car: bytes) -> Any:
    image_id = await ada.finished(await ada.upload(car))
    return (await ada.run(_PICTURE, {"id": image_id}))["node"]["uploadedPicture"]


async def _get(url: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as http:
        return await http.get(url, headers=headers)


async def test_stored_file_comes_with_its_type_tag_and_cache_time(picture: Any) -> None:
    response = await _get(picture["url"])
    assert response.status_code == 200
    assert response.headers["content-type"] == picture["type"]
    assert len(response.content) == picture["bytes"]
    assert hashlib.sha256(response.content).hexdigest() in picture["url"]
    assert response.headers["cache-control"].startswith("private, max-age=")
    again = await _get(picture["url"], **{"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_part_of_a_picture_can_be_asked_for(picture: Any) -> None:
    whole = (await _get(picture["url"])).content
    part = await _get(picture["url"], range="bytes=10-19")
    assert (part.status_code, part.content) == (206, whole[10:20])
    beyond = await _get(picture["url"], range=f"bytes={len(whole)}-")
    assert beyond.status_code == 416


async def test_smaller_width_is_a_webp_of_the_next_step(picture: Any) -> None:
    response = await _get(picture["small"])
    assert response.headers["content-type"] == "image/webp"
    assert len(response.content) < picture["bytes"]


async def test_link_is_the_same_for_an_hour_so_that_caches_work(ada: Client, car: bytes) -> None:
    image_id = await ada.finished(await ada.upload(car))
    first, second = [(await ada.run(_PICTURE, {"id": image_id}))["node"]["uploadedPicture"] for _ in range(2)]
    assert first == second


@pytest.mark.parametrize("change", ["w=400", "e=9999999999", "s=0000"])
async def test_changed_link_is_refused(picture: Any, change: str) -> None:
    name = change.partition("=")[0]
    path, _, query = picture["url"].partition("?")
    changed = "&".join(change if part.startswith(f"{name}=") else part for part in query.split("&"))
    response = await _get(f"{path}?{changed}")
    assert response.status_code == 403
    extensions = response.json()["errors"][0]["extensions"]
    assert extensions == {"code": "FORBIDDEN", "requestId": response.headers["x-request-id"]}


@pytest.mark.parametrize("path", ["/media/../../secrets/jwt_secret", "/media/%2e%2e/%2e%2e/regen.sqlite", "/media/x"])
async def test_path_out_of_the_folder_is_refused(ada: Client, path: str) -> None:
    response = await ada.http.get(path)
    assert response.status_code in {403, 404}
