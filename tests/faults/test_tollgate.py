"""The tollgate tells the truth: between a real driver and a real server, and on bare sockets."""

import asyncio
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import bson
import pymongo
import pytest
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import AutoReconnect, ConnectionFailure, PyMongoError

from tests.faults.commands import (
    Command,
    Update,
    changes,
    ends_generation,
    finds_and_modifies,
    inserts,
    named,
    pushes_event,
    sets,
    updates,
)
from tests.faults.database import Database, running_database
from tests.faults.tollgate import Tollgate, tollgate_before

pytestmark = pytest.mark.timeout(60)
type Rows = AsyncCollection[dict[str, Any]]
_DONE = {"$set": {"status": "SUCCEEDED"}}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with running_database(tmp_path) as database:
        yield database


@pytest.fixture
async def gate(database: Database) -> AsyncIterator[Tollgate]:
    async with tollgate_before(database.url) as gate:
        yield gate


@pytest.fixture
async def truth(database: Database) -> AsyncIterator[Rows]:
    """The generations, past the gate; one waits there."""
    async with AsyncMongoClient[dict[str, Any]](database.url) as client:
        rows = client[database.name]["generations"]
        await rows.insert_one({"_id": 1, "status": "RUNNING"})
        yield rows


@pytest.fixture
async def rows(gate: Tollgate, database: Database, truth: Rows) -> AsyncIterator[Rows]:
    """The same, through the gate."""
    url = gate.through(database.url)
    async with AsyncMongoClient[dict[str, Any]](url, retryReads=False, retryWrites=False) as client:
        yield client[truth.database.name]["generations"]


async def _status(rows: Rows) -> str:
    row = await rows.find_one({"_id": 1})
    assert row is not None
    status: str = row["status"]
    return status


async def test_held_command_is_not_forwarded_until_it_is_released(gate: Tollgate, rows: Rows, truth: Rows) -> None:
    hold = gate.hold(updates("generations", sets("status", "SUCCEEDED")))
    writing = asyncio.create_task(rows.update_one({"_id": 1}, _DONE))
    assert (await hold.caught()).document["updates"][0]["u"] == _DONE
    assert await _status(rows) == "RUNNING"  # another connection passes
    assert gate.commands["update", "generations"] == 0
    hold.release()
    assert (await writing).modified_count == 1
    assert await _status(truth) == "SUCCEEDED"
    assert gate.commands["update", "generations"] == 1


async def test_dropped_command_never_arrives_and_its_writer_loses_the_connection(
    gate: Tollgate, rows: Rows, truth: Rows
) -> None:
    hold = gate.hold(changes("generations"))
    writing = asyncio.create_task(rows.update_one({"_id": 1}, _DONE))
    await hold.caught()
    hold.drop()
    with pytest.raises(AutoReconnect):
        await writing
    assert await _status(truth) == "RUNNING"
    await rows.update_one({"_id": 1}, _DONE)  # only the first is held
    assert await _status(truth) == "SUCCEEDED"


async def test_held_reply_comes_after_the_write_has_happened(gate: Tollgate, rows: Rows, truth: Rows) -> None:
    hold = gate.hold_reply(finds_and_modifies("generations"))
    writing = asyncio.create_task(rows.find_one_and_update({"_id": 1}, [_DONE], return_document=ReturnDocument.AFTER))
    await hold.caught()
    assert await _status(truth) == "SUCCEEDED"
    assert not writing.done()
    hold.release()
    assert await writing == {"_id": 1, "status": "SUCCEEDED"}


async def test_dropped_reply_leaves_the_write_and_a_writer_who_does_not_know(
    gate: Tollgate, rows: Rows, truth: Rows
) -> None:
    hold = gate.hold_reply(inserts("generations", lambda row: row["_id"] == 2))
    writing = asyncio.create_task(rows.insert_one({"_id": 2, "status": "QUEUED"}))
    await hold.caught()
    hold.drop()
    with pytest.raises(AutoReconnect):
        await writing
    assert await truth.count_documents({}) == 2


async def test_command_whose_sender_is_gone_still_arrives_when_it_is_released(
    gate: Tollgate, database: Database, truth: Rows
) -> None:
    hold = gate.hold(changes("generations"))
    url = gate.through(database.url)
    async with AsyncMongoClient[dict[str, Any]](url, socketTimeoutMS=300) as client:
        with pytest.raises(ConnectionFailure):
            await client[database.name]["generations"].update_one({"_id": 1}, _DONE)
    assert hold.held.is_set()
    assert await _status(truth) == "RUNNING"
    hold.release()
    while await _status(truth) == "RUNNING":  # a late write arrives some time
        pass


async def test_cut_connections_fail_and_new_ones_are_made(gate: Tollgate, rows: Rows) -> None:
    hold = gate.hold(named("find", "generations"))
    reading = asyncio.create_task(rows.find_one({"_id": 1}))
    await hold.caught()
    gate.cut()
    assert gate.connections == 0
    with pytest.raises(AutoReconnect):
        await reading
    hold.release()  # too late: what was held on a connection that was cut is lost
    await _until_written(rows)
    assert gate.commands["find", "generations"] == 0


async def test_refused_process_finds_no_database_until_it_is_accepted(gate: Tollgate, rows: Rows) -> None:
    await rows.find_one({"_id": 1})
    gate.refuse()
    gate.cut()
    with pytest.raises(ConnectionFailure), pymongo.timeout(1):
        await rows.update_one({"_id": 1}, _DONE)
    gate.accept()
    await _until_written(rows)


async def test_frozen_gate_answers_nothing_and_forgets_nothing(gate: Tollgate, rows: Rows, truth: Rows) -> None:
    await rows.find_one({"_id": 1})
    gate.freeze()
    writing = asyncio.create_task(rows.update_one({"_id": 1}, _DONE))
    done, _ = await asyncio.wait([writing], timeout=0.3)
    assert not done
    assert await _status(truth) == "RUNNING"
    gate.thaw()
    await writing
    assert await _status(truth) == "SUCCEEDED"


async def test_killed_database_keeps_its_documents_and_its_address(
    database: Database, gate: Tollgate, rows: Rows, truth: Rows
) -> None:
    await rows.update_one({"_id": 1}, _DONE)
    before = database.pid
    await database.stop()
    with pytest.raises(PyMongoError), pymongo.timeout(1):
        await rows.find_one({"_id": 1})
    await database.start()
    assert database.pid != before
    await _until_written(rows)
    assert await _status(truth) == "SUCCEEDED"
    assert gate.connections > 0


async def test_paused_database_answers_late(database: Database, truth: Rows) -> None:
    await _status(truth)
    database.pause()
    reading = asyncio.create_task(_status(truth))
    done, _ = await asyncio.wait([reading], timeout=0.3)
    assert not done
    database.resume()
    assert await reading == "RUNNING"


async def _until_written(rows: Rows) -> None:
    while True:
        try:
            await rows.update_one({"_id": 1}, _DONE)
        except ConnectionFailure:
            continue
        return


def _message(number: int, document: dict[str, Any], sequence: tuple[str, list[dict[str, Any]]] | None = None) -> bytes:
    body = struct.pack("<I", 0) + b"\0" + bson.encode(document)
    if sequence is not None:
        name, documents = sequence
        content = name.encode() + b"\0" + b"".join(bson.encode(one) for one in documents)
        body += b"\1" + struct.pack("<i", 4 + len(content)) + content
    return struct.pack("<iiii", 16 + len(body), number, 0, 2013) + body


@asynccontextmanager
async def _behind_a_gate() -> AsyncGenerator[tuple[Tollgate, asyncio.StreamWriter, asyncio.StreamReader]]:
    """A gate, a client's writer, and what a server that never answers reads."""
    accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accepted.put((reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, tollgate_before(f"mongodb://127.0.0.1:{port}") as gate:
        _, writer = await asyncio.open_connection("127.0.0.1", gate.own_port)
        arrived, answers = await accepted.get()
        try:
            yield gate, writer, arrived
        finally:
            for one in (writer, answers):
                one.transport.abort()


async def test_command_that_comes_in_pieces_is_seen_whole() -> None:
    update = {"q": {"_id": 1}, "u": [{"$set": {"status": {"$literal": "SUCCEEDED"}}}]}
    raw = _message(7, {"update": "generations", "$db": "regen"}, ("updates", [update]))
    async with _behind_a_gate() as (gate, writer, arrived):
        hold = gate.hold(ends_generation("SUCCEEDED"))
        for at in range(len(raw)):
            writer.write(raw[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0)
        assert (await hold.caught()).document["updates"] == [update]
        hold.release()
        assert await arrived.readexactly(len(raw)) == raw


async def test_commands_that_come_together_are_seen_apart_and_wait_for_the_held_one() -> None:
    first = _message(1, {"ping": 1, "$db": "admin"})
    second = _message(2, {"insert": "ornament_images", "$db": "regen"}, ("documents", [{"_id": 5}]))
    third = _message(3, {"find": "users", "filter": {}, "$db": "regen"})
    async with _behind_a_gate() as (gate, writer, arrived):
        hold = gate.hold(inserts("ornament_images"))
        writer.write(first + second + third)
        assert await arrived.readexactly(len(first)) == first
        await hold.caught()
        assert gate.commands == {("ping", ""): 1}
        hold.release()
        assert await arrived.readexactly(len(second + third)) == second + third
        assert gate.commands["find", "users"] == 1


@pytest.mark.parametrize(
    ("update", "ends"),
    [
        ({"$set": {"status": "SUCCEEDED"}}, True),
        ([{"$set": {"status": {"$cond": [True, {"$literal": "SUCCEEDED"}, "$status"]}}}], True),
        ({"$set": {"status": "RUNNING", "note": "SUCCEEDED"}}, False),
        ({"$push": {"events": {"type": "SUCCEEDED"}}}, False),
    ],
)
def test_end_of_a_generation_is_known_by_its_status(update: Update, ends: bool) -> None:  # noqa: FBT001 - a table
    written = Command("update", "generations", {"updates": [{"q": {}, "u": update}]})
    modified = Command("findAndModify", "generations", {"query": {}, "update": update})
    assert [ends_generation("SUCCEEDED")(one) for one in (written, modified)] == [ends, ends]
    assert not ends_generation("SUCCEEDED")(Command("update", "lanes", written.document))


@pytest.mark.parametrize("operator", ["$push", "$set"])
def test_event_is_known_in_a_document_and_in_a_pipeline(operator: str) -> None:
    added: dict[str, Any] = {"events": {"$concatArrays": ["$events", [{"type": "STARTED"}]]}}
    assert pushes_event("STARTED")([{operator: added}])
    assert not pushes_event("STAGE")([{operator: added}])


def test_upsert_counts_as_an_insert() -> None:
    upsert = {"q": {}, "u": {"$setOnInsert": {"kind": "WHITE_BACKGROUND"}}, "upsert": True}
    command = Command("update", "ornament_images", {"updates": [upsert]})
    assert inserts("ornament_images")(command)
    assert inserts("ornament_images", lambda row: row["kind"] == "WHITE_BACKGROUND")(command)
    assert not inserts("pictures")(command)
