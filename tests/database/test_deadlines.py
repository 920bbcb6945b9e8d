"""A database that hangs: requests are told so quickly, and the next one after it works again."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pymongo.errors import NetworkTimeout, ServerSelectionTimeoutError

from app.database.connection import connect
from tests.e2e.client import Client
from tests.e2e.server import running
from tests.faults.database import Database, running_database

_ME = "{ viewer { user { id email } } }"
_ANSWERED_S = 7


@pytest.fixture
async def hanging(tmp_path: Path) -> AsyncIterator[Database]:
    """A database of the test's own, that it may pause."""
    async with running_database(tmp_path / "database") as database:
        yield database


async def test_operation_fails_at_its_deadline_and_the_next_one_works(hanging: Database) -> None:
    connection = await connect(hanging.url, deadline_s=0.5)
    try:
        things: Any = connection.database["things"]
        await things.insert_one({"_id": "a"})
        hanging.pause()
        began_s = time.monotonic()
        for _ in range(2):
            with pytest.raises((NetworkTimeout, ServerSelectionTimeoutError)):
                await things.find_one({"_id": "a"})
        assert time.monotonic() - began_s < 5
        hanging.resume()
        assert await things.find_one({"_id": "a"}) is not None
    finally:
        await connection.close()


async def test_closing_does_not_wait_for_a_server_that_hangs(hanging: Database) -> None:
    connection = await connect(hanging.url)
    await connection.database["things"].insert_one({"_id": "a"})
    hanging.pause()
    began_s = time.monotonic()
    await connection.close()
    assert time.monotonic() - began_s < 5


async def test_deadline_of_the_url_wins(mongodb_url: str) -> None:
    connection = await connect(f"{mongodb_url}&timeoutMS=1234", deadline_s=5)
    assert connection.client.options.timeout == 1.234
    await connection.close()


@pytest.mark.long
async def test_request_is_told_quickly_and_the_next_one_works(hanging: Database, tmp_path: Path) -> None:
    with running(tmp_path, {"MONGODB_URL": hanging.url}) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=60) as http:
            ada = Client(http, server.sockets_url)
            await ada.sign_up()
            hanging.pause()
            for _ in range(3):
                began_s = time.monotonic()
                answer = await ada.post(_ME)
                assert time.monotonic() - began_s < _ANSWERED_S
                (error,) = answer["errors"]
                assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UNAVAILABLE", True)
            hanging.resume()
            assert (await ada.run(_ME))["viewer"]["user"]["id"]
