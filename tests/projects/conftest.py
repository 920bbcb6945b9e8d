"""The use cases over a database of a test's own, and people who use them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from tests.api.shop import Shop, opened_shop


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """Of somebody who owns the projects."""
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()
