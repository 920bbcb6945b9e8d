"""Only one process works on a database without Redis."""

import os
import socket
import subprocess
import sys

import pytest

from app.database.alone import alone
from app.database.connection import RawDatabase
from app.database.errors import DatabaseError


def _gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


async def _is_held_by(database: RawDatabase, host: str, pid: int, *, for_ms: int) -> None:
    until = {"$add": ["$$NOW", for_ms]}
    await database["processes"].update_one(
        {"_id": "alone"}, [{"$set": {"host": host, "pid": pid, "until": until}}], upsert=True
    )


async def test_another_that_lives_is_refused_in_a_sentence(database: RawDatabase) -> None:
    await _is_held_by(database, "elsewhere", 7, for_ms=60_000)
    with pytest.raises(DatabaseError, match=r"process 7 on elsewhere.*set REDIS_URL"):
        async with alone(database, within_s=0.1):
            pass


async def test_one_that_was_killed_on_this_machine_is_not_waited_for(database: RawDatabase) -> None:
    await _is_held_by(database, socket.gethostname(), _gone(), for_ms=60_000)
    async with alone(database, within_s=5):
        held = await database["processes"].find_one({"_id": "alone"})
    assert held is not None
    assert held["pid"] == os.getpid()
    assert await database["processes"].find_one({"_id": "alone"}) is None


async def test_silence_of_another_machines_is_waited_for(database: RawDatabase) -> None:
    await _is_held_by(database, "elsewhere", 7, for_ms=300)
    async with alone(database, within_s=10):
        held = await database["processes"].find_one({"_id": "alone"})
    assert held is not None
    assert held["host"] == socket.gethostname()
