"""The one process that may work on a database without Redis: two would not hear each other's events."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from app.database.connection import RawDatabase
from app.database.errors import DatabaseError
from app.logs import logger

_log = logger(__name__)
_COLLECTION, _ID = "processes", "alone"
_LEASE_S = 10.0
_AGAIN_S = 0.5
_NOT_ALONE = (
    "Another Regen (process {pid} on {host}) works on this database. Without REDIS_URL there can be only one: "
    "stop the other, or set REDIS_URL to the same Redis for both."
)


@asynccontextmanager
async def alone(database: RawDatabase, within_s: float = 2 * _LEASE_S) -> AsyncGenerator[None]:
    """While entered, no other process gets in here with this database.

    One that was killed on this machine is known to be gone; of another machine's, its silence has to be waited for.

    Raises:
        DatabaseError: another one is alive.
    """
    host, pid = socket.gethostname(), os.getpid()
    holder = ("", 0)
    try:
        async with asyncio.timeout(within_s):
            while (holder := await _held(database, host, pid)) != (host, pid):
                if holder[0] == host and not _lives(holder[1]):
                    await database[_COLLECTION].delete_one({"_id": _ID, "host": host, "pid": holder[1]})
                    continue
                _log.warning("waiting_for_other_process", host=holder[0], pid=holder[1])
                await asyncio.sleep(_AGAIN_S)
    except TimeoutError:
        message = _NOT_ALONE.format(host=holder[0], pid=holder[1])
        raise DatabaseError(message) from None
    task = asyncio.create_task(_keep(database, host, pid))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        with suppress(PyMongoError):
            await database[_COLLECTION].delete_one({"_id": _ID, "host": host, "pid": pid})


async def _keep(database: RawDatabase, host: str, pid: int) -> None:
    while True:
        await asyncio.sleep(_LEASE_S / 3)
        try:
            if await _held(database, host, pid) != (host, pid):
                _log.error(
                    "not_alone", hint="two processes work without REDIS_URL: events of one are late in the other"
                )
        except PyMongoError as error:
            _log.warning("not_renewed", reason=type(error).__name__)


async def _held(database: RawDatabase, host: str, pid: int) -> tuple[str, int]:
    """Take or renew the place if it is free, by the database's clock; who has it."""
    ours = {"$and": [{"$eq": ["$host", {"$literal": host}]}, {"$eq": ["$pid", pid]}]}
    free = {"$or": [ours, {"$lt": ["$until", "$$NOW"]}]}  # a moment that is missing is before any other
    until = {"$add": ["$$NOW", round(_LEASE_S * 1000)]}
    mine = {"host": {"$literal": host}, "pid": pid, "until": until}
    changes = {name: {"$cond": [free, value, f"${name}"]} for name, value in mine.items()}
    try:  # decided in the update: MongoDB refuses $expr in the condition of an upsert
        row = await database[_COLLECTION].find_one_and_update(
            {"_id": _ID}, [{"$set": changes}], upsert=True, return_document=ReturnDocument.AFTER
        )
    except DuplicateKeyError:
        row = await database[_COLLECTION].find_one({"_id": _ID})
    return (row["host"], row["pid"]) if row else ("", 0)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
