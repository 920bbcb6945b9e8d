"""Every connection of a process to its database is cut, while much is being written through them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError

from app.database.connection import connect
from tests.faults.database import running_database
from tests.faults.tollgate import Tollgate, tollgate_before

_WRITERS = 16
_BACK_S = 3.0
_AGAIN_S = 0.2
_DEADLINE_S = 5.0


@asynccontextmanager
async def writing(folder: Path) -> AsyncGenerator[tuple[Tollgate, list[int]]]:
    """The gate that all write through, and how often each has written."""
    written = [0] * _WRITERS
    async with running_database(folder) as database, tollgate_before(database.url) as gate:
        connection = await connect(gate.through(database.url), deadline_s=_DEADLINE_S)
        rows = connection.database["rows"]

        async def write(number: int) -> None:
            while True:
                try:
                    await rows.find_one_and_update({"_id": number}, {"$inc": {"times": 1}}, upsert=True)
                    written[number] += 1
                    await asyncio.sleep(0)
                except PyMongoError:
                    await asyncio.sleep(_AGAIN_S)  # as the engine does

        tasks = [asyncio.create_task(write(number)) for number in range(_WRITERS)]
        try:
            yield gate, written
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await connection.close()


async def _all_have_written_again(written: list[int]) -> None:
    before = list(written)
    while any(now <= then for now, then in zip(written, before, strict=True)):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.02)


# A connection that the driver was still making when its writer's time was over is closed by the collector alone.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(60)
async def test_all_writers_are_back_soon_after_their_connections_were_cut(tmp_path: Path) -> None:
    async with writing(tmp_path) as (gate, written):
        await _all_have_written_again(written)
        for _ in range(3):
            gate.cut()
            async with asyncio.timeout(_BACK_S):
                await _all_have_written_again(written)
