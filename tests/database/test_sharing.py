"""Commands on one machine share the database that one of them runs."""

import asyncio
import stat
from pathlib import Path

import pytest

from app.database import address
from app.database.connection import connect
from app.database.errors import DataFolderInUseError
from app.database.lock import FolderLock, is_locked
from app.database.servers import RemoteServer, embedded
from app.database.sharing import joining, shared


async def _count(url: str) -> int:
    connection = await connect(url)
    try:
        return await connection.database["things"].count_documents({})
    finally:
        await connection.close()


async def test_second_process_joins_a_shared_database_and_leaves_it_running(tmp_path: Path) -> None:
    server, guest = embedded(tmp_path), joining(embedded(tmp_path))
    await server.start()
    try:
        with shared(server):
            await guest.start()
            assert guest.url == server.url
            await guest.stop()
            assert await _count(server.url) == 0
        assert address.left(tmp_path) is None
    finally:
        await server.stop()


async def test_guest_waits_for_a_server_that_is_starting(tmp_path: Path) -> None:
    server, guest = embedded(tmp_path), joining(embedded(tmp_path))
    lock = await FolderLock.acquire(tmp_path)
    joined = asyncio.create_task(guest.start())
    await asyncio.sleep(0)
    lock.release()
    await server.start()
    try:
        with shared(server):
            await joined
            assert guest.url == server.url
    finally:
        await server.stop()


@pytest.mark.long
async def test_database_that_is_not_shared_is_in_use(tmp_path: Path) -> None:
    server = embedded(tmp_path)
    await server.start()
    try:
        with pytest.raises(DataFolderInUseError, match="needs it for itself"):
            await joining(embedded(tmp_path)).start()
    finally:
        await server.stop()


async def test_address_of_one_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    address.leave(tmp_path, "mongodb://127.0.0.1:1/")
    guest = joining(embedded(tmp_path))
    await guest.start()
    try:
        assert guest.url != "mongodb://127.0.0.1:1/"
        assert await _count(guest.url) == 0
        assert address.left(tmp_path) is None
    finally:
        await guest.stop()
    assert not is_locked(tmp_path)


def test_address_is_for_its_owner_alone(tmp_path: Path) -> None:
    address.leave(tmp_path, "mongodb://127.0.0.1:1/")
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    address.leave(tmp_path, "mongodb://127.0.0.1:2/")
    assert address.left(tmp_path) == "mongodb://127.0.0.1:2/"
    address.forget(tmp_path)
    address.forget(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_database_that_others_run_is_reached_by_its_url_anyway() -> None:
    server = RemoteServer("mongodb://db.example")
    assert joining(server) is server
    with shared(server):
        pass
