"""Whose address a request has: the connection's, unless a trusted proxy says another."""

import asyncio
import os
from pathlib import Path

import httpx2
import pytest

from tests.databases import database_setting
from tests.e2e.server import Server, running

_LOG_IN = "mutation ($input: LogInInput!) { logIn(input: $input) { errors { code retryAfterSeconds } } }"
_BY_ADDRESS = 50

pytestmark = pytest.mark.skipif(not os.environ.get("FULL"), reason="hashes over a hundred passwords: FULL=1 runs it")


async def _codes(server: Server, count: int, *, same_address: bool) -> set[str]:
    """The codes of that many log-ins from 127.0.0.1 to as many accounts that are not there."""

    async def log_in(http: httpx2.AsyncClient, number: int) -> str:
        forwarded = "198.51.100.1" if same_address else f"198.51.100.{number}"
        variables = {"input": {"email": f"nobody-{number}@example.com", "password": "wrong password"}}
        response = await http.post(
            "/graphql", json={"query": _LOG_IN, "variables": variables}, headers={"x-forwarded-for": forwarded}
        )
        code: str = response.json()["data"]["logIn"]["errors"][0]["code"]
        return code

    async with httpx2.AsyncClient(base_url=server.url, timeout=30) as http:
        tens = [range(start, start + 10) for start in range(0, count, 10)]
        codes = [await asyncio.gather(*(log_in(http, number) for number in some)) for some in tens]
    return {code for some in codes for code in some}


@pytest.mark.long
async def test_header_counts_only_from_a_trusted_proxy(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with running(tmp_path / "a", {**database_setting(), "TRUSTED_PROXIES": "127.0.0.1"}) as server:
        assert await _codes(server, _BY_ADDRESS + 10, same_address=False) == {"UNAUTHENTICATED"}
        assert "RATE_LIMITED" in await _codes(server, _BY_ADDRESS + 10, same_address=True)
    (tmp_path / "b").mkdir()
    with running(tmp_path / "b", database_setting()) as server:
        assert "RATE_LIMITED" in await _codes(server, _BY_ADDRESS + 10, same_address=False)
