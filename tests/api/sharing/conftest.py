"""A room where subscriptions share their executions."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from tests.api.sharing.room import Room, opened_room


@pytest.fixture
async def room(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    async with opened_room(database, mongodb_url, tmp_path) as opened:
        yield opened
        assert all(one.closed is None for one in opened.subscribers)
