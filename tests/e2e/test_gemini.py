"""With a key the whole server uses Gemini: through the real SDK, against a stand-in that speaks its wire format."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import running
from tests.providers.gemini_standin import PICTURE, Standin, serve

_IMAGE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { source note applied picture { url type }
  generation { recipe { provider model } attempts { outcome } } } } }"""
_FAILED = """query ($id: ID!) { generation(id: $id) { status failure { code message retryable } } }"""


@pytest.fixture(scope="module")
def google() -> Any:
    with serve() as standin:
        yield standin


def _settings(google: Standin, key: str) -> dict[str, str]:
    return {**database_setting(), "GOOGLE_API_KEY": key, "GOOGLE_GEMINI_BASE_URL": google.url}


async def _ada(server: Any, client_of: MakeClient) -> Client:
    ada = client_of(server)
    await ada.sign_up()
    return ada


async def test_gemini_makes_and_regenerates_with_the_whole_prompt(
    google: Standin, tmp_path: Path, client_of: MakeClient, car: bytes
) -> None:
    with running(tmp_path, _settings(google, "key-picture")) as server:
        assert "gemini, gemini-3.1-flash-image (real)" in server.banner
        ada = await _ada(server, client_of)
        root = await ada.finished(await ada.upload(car, prompt="Make it shine"))
        child = await ada.finished(await ada.regenerate(root, "Add gold accents"))
        image = (await ada.run(_IMAGE, {"id": child}))["node"]
        stored = (await ada.http.get(image["picture"]["url"])).content
        log = "".join(server.log)
    assert (image["source"], image["note"], image["applied"]) == ("PROVIDER", None, [])
    assert image["generation"]["recipe"] == {"provider": "gemini", "model": "gemini-3.1-flash-image"}
    assert hashlib.sha256(stored).digest() == hashlib.sha256(PICTURE).digest()
    first, second = [seen.body["contents"][0]["parts"] for seen in google.seen]
    assert first[-1]["text"].endswith("replace it with white. Make it shine")
    assert second[-1]["text"].endswith("replace it with white. Make it shine. Add gold accents")
    assert "key-picture" not in log
    assert "Make it shine" not in log


async def test_refusal_of_gemini_is_a_failure_and_never_replaced_by_local_work(
    google: Standin, tmp_path: Path, client_of: MakeClient, car: bytes
) -> None:
    with running(tmp_path, _settings(google, "key-image-safety")) as server:
        ada = await _ada(server, client_of)
        payload = await ada.upload(car)
        events = await ada.follow(payload["generation"]["id"])
        failed = (await ada.run(_FAILED, {"id": payload["generation"]["id"]}))["generation"]
        images = await ada.run("{ viewer { ornamentImages { nodes { id } } } }")
    assert events[-1]["type"] == "FAILED"
    assert (failed["status"], failed["failure"]["code"]) == ("FAILED", "CONTENT_BLOCKED")
    assert failed["failure"]["message"] == events[-1]["message"]
    assert images["viewer"]["ornamentImages"]["nodes"] == []
