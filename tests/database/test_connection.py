"""Connecting, and what is said when it fails."""

import socket
from typing import ClassVar

import pytest
from pymongo import IndexModel

from app.database.connection import connect
from app.database.document import Instant, StoredDocument, utc_now
from app.database.errors import DatabaseError


class Note(StoredDocument):
    """A document for these tests."""

    written_at: Instant

    class Settings:
        """Where it lies and how it is found."""

        name = "notes"
        indexes: ClassVar = [IndexModel([("writtenAt", 1), ("_id", 1)])]


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_documents_and_their_indexes_are_ready(mongodb_url: str) -> None:
    connection = await connect(mongodb_url, [Note], name="regen_connection")
    try:
        note = await Note(written_at=utc_now()).insert()
        found = await Note.get(note.id)
        assert found is not None
        assert found.written_at == note.written_at
        assert found.written_at.tzinfo is not None
        assert "writtenAt_1__id_1" in await connection.database["notes"].index_information()
    finally:
        await connection.client.drop_database("regen_connection")
        await connection.close()


@pytest.mark.parametrize(("path", "name", "expected"), [("", None, "regen"), ("own", None, "own"), ("own", "x", "x")])
async def test_database_is_the_name_else_the_path_else_regen(
    mongodb_url: str, path: str, name: str | None, expected: str
) -> None:
    connection = await connect(mongodb_url.replace("/?", f"/{path}?"), name=name)
    assert connection.database.name == expected
    await connection.close()


async def test_ping_says_whether_the_server_answers(mongodb_url: str) -> None:
    connection = await connect(mongodb_url)
    assert await connection.ping()
    assert not await connection.ping(within_s=1e-6)
    await connection.close()


async def test_deadlines_of_the_url_win(mongodb_url: str) -> None:
    connection = await connect(f"{mongodb_url}&serverselectiontimeoutms=1234")
    assert connection.client.options.server_selection_timeout == 1.234
    assert connection.client.options.pool_options.appname == "regen"
    await connection.close()


async def test_unreachable_host_is_named(closed_port: int) -> None:
    url = f"mongodb://ann:secret@127.0.0.1:{closed_port}/regen?serverSelectionTimeoutMS=2000"
    with pytest.raises(
        DatabaseError, match=rf"No MongoDB answers at 127.0.0.1:{closed_port} .*Errno.*MONGODB_URL"
    ) as e:
        await connect(url)
    assert "secret" not in str(e.value)


async def test_wrong_credentials_are_called_so(mongodb_url: str) -> None:
    url = mongodb_url.replace("mongodb://", "mongodb://ann:secret@")
    with pytest.raises(DatabaseError, match="refuses the user of MONGODB_URL") as e:
        await connect(url)
    assert "secret" not in str(e.value)


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://ann:pass@secret@db.example/regen",
        "mongodb://ann:pass/secret@db.example/regen",
        "mongodb://[ann:secret",
        "postgres://ann:secret@db.example",
        "mongodb://ann:1:secret@db.example:port",
    ],
)
async def test_malformed_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseError, match="MONGODB_URL is no valid MongoDB address") as e:
        await connect(url)
    assert "secret" not in str(e.value)
    assert e.value.__suppress_context__
