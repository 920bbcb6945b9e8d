"""Databases of their own for tests that fill, copy or damage whole ones."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from app.database.connection import RawDatabase, connect
from app.database.servers import embedded

type NewDatabase = Callable[[], Awaitable[RawDatabase]]


@pytest.fixture
async def new_database(mongodb_url: str, worker_id: str) -> AsyncIterator[NewDatabase]:
    """Make an empty database on the run's server."""
    async with AsyncExitStack() as stack:

        async def make() -> RawDatabase:
            connection = await connect(mongodb_url, name=f"regen_{worker_id}_{uuid4().hex}")
            stack.push_async_callback(connection.close)
            stack.push_async_callback(connection.client.drop_database, connection.database.name)
            return connection.database

        yield make


@pytest.fixture
def database(bare_database: RawDatabase) -> RawDatabase:
    """Without any indexes: here they are what is shown."""
    return bare_database


@pytest.fixture
async def another_server(tmp_path: Path) -> AsyncIterator[RawDatabase]:
    """An empty database on an embedded server of its own."""
    server = embedded(tmp_path / "another")
    await server.start()
    try:
        connection = await connect(server.url)
        yield connection.database
        await connection.close()
    finally:
        await server.stop()
