"""Whose address a request has: the connection's, unless a trusted proxy says another."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import running

_LOG_IN = "mutation ($input: LogInInput!) { logIn(input: $input) { errors { code retryAfterSeconds } } }"
_BY_ADDRESS = 50

pytestmark = pytest.mark.skipif(not os.environ.get("FULL"), reason="hashes over a hundred passwords: FULL=1 runs it")


async def _codes(client: Client, count: int, *, same_address: bool) -> set[str]:
    """The codes of that many log-ins to as many accounts that are not there."""

    async def log_in(number: int) -> str:
        forwarded = "198.51.100.1" if same_address else f"198.51.100.{number}"
        variables = {"input": {"email": f"nobody-{number}@example.com", "password": "wrong password"}}
        response = await client.http.post(
            "/graphql", json={"query": _LOG_IN, "variables": variables}, headers={"x-forwarded-for": forwarded}
        )
        code: str = response.json()["data"]["logIn"]["errors"][0]["code"]
        return code

    codes = [await asyncio.gather(*(log_in(n) for n in range(start, start + 10))) for start in range(0, count, 10)]
    return {code for some in codes for code in some}


@pytest.mark.long
async def test_header_counts_only_from_a_trusted_proxy(tmp_path: Path, client_of: MakeClient) -> None:
    (tmp_path / "a").mkdir()
    with running(tmp_path / "a", {**database_setting(), "TRUSTED_PROXIES": "127.0.0.1"}) as server:
        client = client_of(server)
        assert await _codes(client, _BY_ADDRESS + 10, same_address=False) == {"UNAUTHENTICATED"}
        assert "RATE_LIMITED" in await _codes(client, _BY_ADDRESS + 10, same_address=True)
    (tmp_path / "b").mkdir()
    with running(tmp_path / "b", database_setting()) as server:
        assert "RATE_LIMITED" in await _codes(client_of(server), _BY_ADDRESS + 10, same_address=False)
