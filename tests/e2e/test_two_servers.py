"""Two servers over one Redis and one database: what ends or counts at one of them does at the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient
from websockets.exceptions import ConnectionClosed

from tests.contract.conftest import running_redis
from tests.e2e.client import SSE, Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import running

_ME = "{ viewer { user { email } } }"
_LOG_IN = "mutation ($i: LogInInput!) { logIn(input: $i) { errors { code } } }"
_ENDED_WITHIN_S = 10 * 5.0
"""Ten times what is promised: the machine may do other things meanwhile."""


@pytest.fixture
async def everywhere(mongodb_url: str, tmp_path: Path, client_of: MakeClient) -> AsyncIterator[tuple[Client, Client]]:
    """One person at both."""
    name = f"regen_two_{uuid4().hex}"
    base, _, options = mongodb_url.partition("?")
    with ExitStack() as stack:
        for place in ("redis", "here", "there"):
            (tmp_path / place).mkdir()
        redis = stack.enter_context(running_redis(tmp_path / "redis"))
        settings = {
            "MONGODB_URL": f"{base.rstrip('/')}/{name}?{options}",
            "REDIS_URL": redis.url,
            "WORKER_SLOTS": "0",
            "JWT_SECRET": "s" * 40,
        }
        clients = [client_of(stack.enter_context(running(tmp_path / place, settings))) for place in ("here", "there")]
        await clients[0].sign_up()
        clients[1].token = clients[0].token
        yield clients[0], clients[1]
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
        await client.drop_database(name)


@pytest.mark.long
async def test_session_ends_and_attempts_and_costs_count_at_both(everywhere: tuple[Client, Client]) -> None:
    here, there = everywhere
    left = [(await client.post(_ME))["extensions"]["cost"]["remaining"] for client in (here, there, here)]
    assert left == [left[0], left[0] - 3, left[0] - 6]
    wrong = {"i": {"email": (await here.run(_ME))["viewer"]["user"]["email"], "password": "a wrong guess"}}
    codes = [(await client.run(_LOG_IN, wrong))["logIn"]["errors"][0]["code"] for client in (here, there) * 6]
    assert codes == ["UNAUTHENTICATED"] * 10 + ["RATE_LIMITED"] * 2
    async with there.socket() as socket, there.stream(SSE, "subscription { viewerEvents { type } }") as stream:
        assert (await here.run("mutation { logOut { errors { code } } }"))["logOut"]["errors"] == []
        async with asyncio.timeout(_ENDED_WITHIN_S):
            with pytest.raises(ConnectionClosed) as closed:
                await socket.receive()
            told = (await stream.aread()).decode()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "Logged out")
        assert "This session was ended." in told
    for client in (here, there):
        assert [one["extensions"]["code"] for one in (await client.post(_ME))["errors"]] == ["UNAUTHENTICATED"]
