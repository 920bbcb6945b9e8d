"""Servers that Regen runs itself: real processes, ended in every way a process can end."""

import asyncio
import fcntl
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from pymongo.errors import AutoReconnect
from structlog.testing import capture_logs

from app.database.connection import RawDatabase, connect
from app.database.errors import DatabaseError, DataFolderInUseError
from app.database.local_server import LocalServer
from app.database.servers import embedded, mongod

_FAKE_MONGOD = """#!{python}
import json, signal, subprocess, sys
arguments = sys.argv[1:]
print(*arguments, sep="\\n", file=open({record!r}, "w"), flush=True)
options = dict(zip(arguments[::2], arguments[1::2], strict=True))
command = [sys.executable, "-m", "app.database.child", options["--dbpath"] + "/stand-in.sqlite", options["--port"]]
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
signal.signal(signal.SIGTERM, lambda *_: server.terminate())
server.stdout.readline()
ready = dict(s="I", c="NETWORK", id=23016, msg="Waiting for connections", attr=dict(port=int(options["--port"])))
print(json.dumps(ready, separators=(",", ":")), flush=True)
sys.exit(server.wait())
"""

_PARENT = """
import asyncio, sys, uvloop
from pathlib import Path
from app.database.servers import choose

async def main():
    server = choose(None, Path(sys.argv[1]))
    await server.start()
    print(server.url, flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


@asynccontextmanager
async def _running(server: LocalServer) -> AsyncGenerator[LocalServer]:
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def _database(url: str) -> AsyncGenerator[RawDatabase]:
    connection = await connect(url)
    try:
        yield connection.database
    finally:
        await connection.close()


@asynccontextmanager
async def _parent(folder: Path) -> AsyncGenerator[tuple[Process, str]]:
    """A Regen in a process of its own, and its database's URL."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _PARENT, str(folder), stdout=PIPE)
    try:
        assert process.stdout is not None
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _eventually(happened: Callable[[], Awaitable[bool]], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not await happened():  # noqa: ASYNC110 - other processes raise no event
            await asyncio.sleep(0.02)


async def _insert_until_acknowledged(database: RawDatabase, key: str) -> None:
    async with asyncio.timeout(30):
        while True:
            with suppress(AutoReconnect):
                await database["things"].update_one({"_id": key}, {"$set": {"there": True}}, upsert=True)
                return


async def _server_is_gone(folder: Path) -> bool:
    descriptor = os.open(folder / "database.lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


@pytest.fixture
def mongod_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for mongod; the file where it writes its arguments down."""
    record = tmp_path / "arguments"
    program = tmp_path / "bin" / "mongod"
    program.parent.mkdir()
    program.write_text(_FAKE_MONGOD.format(python=sys.executable, record=str(record)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return record


async def test_documents_are_there_after_stop_and_start(tmp_path: Path) -> None:
    for there_before in (0, 1):
        async with _running(embedded(tmp_path)) as server, _database(server.url) as database:
            assert await database["things"].count_documents({}) == there_before
            await database["things"].insert_one({})


async def test_url_before_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="not been started"):
        _ = embedded(tmp_path).url


async def test_killed_server_returns_on_its_port_with_every_acknowledged_write(tmp_path: Path) -> None:
    async with _running(embedded(tmp_path)) as server, _database(server.url) as database:
        url, pid = server.url, server.pid
        assert pid is not None
        acknowledged: list[int] = []

        async def write() -> None:
            with suppress(AutoReconnect):
                for number in range(10_000):
                    await database["numbers"].insert_one({"_id": f"n{number}"})
                    acknowledged.append(number)

        async def wrote_some() -> bool:
            return len(acknowledged) > 50

        with capture_logs() as logs:
            writing = asyncio.create_task(write())
            await _eventually(wrote_some, 30)
            os.kill(pid, signal.SIGKILL)
            await writing
            await _insert_until_acknowledged(database, "after")
        there = {document["_id"] async for document in database["numbers"].find()}
        assert {f"n{number}" for number in acknowledged} <= there
        assert server.url == url
        assert server.pid != pid
        assert [log["event"] for log in logs] == ["database.ended", "database.restarted"]
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await _insert_until_acknowledged(database, "after the second time")


async def test_stop_while_it_is_being_restarted_leaves_no_process(tmp_path: Path) -> None:
    server = embedded(tmp_path)
    await server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await server.stop()
    assert server.pid is None
    assert await _server_is_gone(tmp_path)


async def test_stop_ends_a_server_that_does_not_listen_to_signals(tmp_path: Path) -> None:
    server = embedded(tmp_path)
    await server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    await server.stop()
    assert await _server_is_gone(tmp_path)


async def test_second_regen_on_the_folder_is_refused(tmp_path: Path) -> None:
    async with _running(embedded(tmp_path)) as first:
        with pytest.raises(DataFolderInUseError, match=r"Another Regen already runs on this data folder .*DATA_DIR="):
            await embedded(tmp_path).start()
        async with _database(first.url) as database:
            await database["things"].insert_one({})


async def test_start_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "regen.sqlite").write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(DatabaseError, match=r"(?s)ended as it started.*file is not a database"):
        await embedded(tmp_path).start()
    assert await _server_is_gone(tmp_path)


async def test_ctrl_c_in_the_terminal_does_not_end_the_database(tmp_path: Path) -> None:
    async with _running(embedded(tmp_path)) as server, _database(server.url) as database:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGINT)
        await database["things"].insert_one({})


async def test_server_ends_with_its_killed_parent_and_the_next_regen_starts_at_once(tmp_path: Path) -> None:
    async with _parent(tmp_path) as (parent, url):
        async with _database(url) as database:
            await database["things"].insert_one({})
        parent.kill()
        await parent.wait()
        async with _running(embedded(tmp_path)) as server, _database(server.url) as database:
            assert await database["things"].count_documents({}) == 1


async def test_busy_server_ends_with_its_killed_parent(tmp_path: Path) -> None:
    async with _parent(tmp_path) as (parent, url), _database(f"{url}&serverSelectionTimeoutMS=500") as database:
        await database["things"].insert_many([{"number": number} for number in range(500)])

        async def sort() -> None:
            with suppress(AutoReconnect):
                while True:
                    await database["things"].find({"number": {"$gt": 1}}).sort("number", -1).to_list()

        sorting = [asyncio.create_task(sort()) for _ in range(8)]
        async with asyncio.timeout(30):
            await database["things"].find_one({"number": 499})
        parent.kill()
        await parent.wait()
        await _eventually(lambda: _server_is_gone(tmp_path), 8)
        await asyncio.gather(*sorting)


async def test_mongod_is_started_on_the_data_folder(tmp_path: Path, mongod_on_path: Path) -> None:
    server = mongod(str(tmp_path / "bin" / "mongod"), tmp_path / "data")
    async with _running(server), _database(server.url) as database:
        await database["things"].insert_one({})
    assert mongod_on_path.read_text().split()[:5] == [  # noqa: ASYNC240 - a small file
        *("--dbpath", str(tmp_path / "data" / "mongod")),
        *("--bind_ip", "127.0.0.1"),
        "--port",
    ]
    assert await _server_is_gone(tmp_path / "data")


@pytest.mark.usefixtures("mongod_on_path")
async def test_mongod_ends_with_its_killed_parent(tmp_path: Path) -> None:
    async with _parent(tmp_path / "data") as (parent, url):
        assert url.endswith("directConnection=true")
        parent.kill()
        await parent.wait()
        await _eventually(lambda: _server_is_gone(tmp_path / "data"), 8)


@pytest.mark.usefixtures("mongod_on_path")
async def test_mongod_whose_leash_is_cut_is_replaced_by_one_on_the_same_port(tmp_path: Path) -> None:
    server = mongod(str(tmp_path / "bin" / "mongod"), tmp_path / "data")
    async with _running(server), _database(server.url) as database:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await _insert_until_acknowledged(database, "after")
