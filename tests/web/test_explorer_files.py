from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.explorer import explorer_page, explorer_routes

HASHED = "/explorer/main-ABCD1234.js"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return tmp_path / "dist"


@pytest.fixture
async def client(dist: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async def page(request: Request) -> Response:
        return explorer_page(dist, request.headers.get("host"))

    app = Starlette(routes=[Route("/graphql", page), *explorer_routes(dist)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://regen.test:8000") as made:
        yield made


def build(dist: Path) -> None:
    files = dist / "explorer"
    files.mkdir(parents=True)
    (dist / "explorer.html").write_text("<title>Regen</title>")
    (files / "main-ABCD1234.js").write_text("plain")
    (files / "main-ABCD1234.js.gz").write_bytes(b"packed")
    (files / "notes.txt").write_text("without a hash")


async def test_page_that_is_not_built_says_how_to_build_it(client: httpx2.AsyncClient, dist: Path) -> None:
    answer = await client.get("/graphql")
    assert answer.status_code == 503
    assert "make run" in answer.text
    assert (await client.get(HASHED)).status_code == 404

    build(dist)
    assert (await client.get("/graphql")).text == "<title>Regen</title>"


async def test_policy_allows_this_host_only(client: httpx2.AsyncClient, dist: Path) -> None:
    build(dist)
    headers = (await client.get("/graphql")).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))

    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["worker-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws://regen.test:8000 wss://regen.test:8000"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("host", [None, "", "a.test; script-src *", "a.test b.test", "a.test:1/x"])
def test_policy_takes_nothing_but_a_host_from_the_request(tmp_path: Path, host: str | None) -> None:
    assert "connect-src 'self';" in explorer_page(tmp_path, host).headers["content-security-policy"]


async def test_hashed_files_are_kept_for_a_year_and_packed_for_those_who_take_it(
    client: httpx2.AsyncClient, dist: Path
) -> None:
    build(dist)
    plain = await client.get(HASHED, headers={"accept-encoding": "identity"})
    assert plain.text == "plain"
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"

    async with client.stream("GET", HASHED, headers={"accept-encoding": "gzip"}) as packed:
        assert b"".join([chunk async for chunk in packed.aiter_raw()]) == b"packed"
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["content-type"].startswith("text/javascript")

    assert (await client.get("/explorer/notes.txt")).headers["cache-control"] == "no-cache"
    assert (await client.get("/explorer/../explorer.html")).status_code == 404
