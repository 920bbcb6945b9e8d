"""Which server is chosen, and how it is named."""

from pathlib import Path

import pytest

from app.database.local_server import LocalServer
from app.database.servers import DatabaseServer, RemoteServer, choose, host_of


@pytest.fixture
def mongod_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


@pytest.mark.usefixtures("mongod_on_path")
def test_mongodb_url_comes_first(tmp_path: Path) -> None:
    server = choose("mongodb://db.example:27017/regen", tmp_path)
    assert isinstance(server, RemoteServer)
    assert server.kind == "MongoDB at db.example:27017"


def test_mongod_on_path_comes_second(tmp_path: Path, mongod_on_path: Path) -> None:
    server = choose(None, tmp_path)
    assert server.kind == "mongod"
    assert str(mongod_on_path) in server.description
    assert "embedded" not in server.description


@pytest.mark.usefixtures("mongod_on_path")
def test_folder_of_the_embedded_database_stays_with_it_when_mongod_is_installed_later(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "regen.sqlite").touch()
    assert choose(None, folder).kind == "embedded"


@pytest.mark.usefixtures("mongod_on_path")
def test_mongod_says_that_documents_lie_in_the_embedded_database(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "mongod").mkdir(parents=True)
    (folder / "regen.sqlite").touch()
    assert "documents of the embedded database (regen.sqlite) are not in it" in choose(None, folder).description


def test_embedded_database_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    server = choose("", tmp_path)
    assert isinstance(server, LocalServer)
    assert server.kind == "embedded"
    assert str(tmp_path / "regen.sqlite") in server.description


async def test_remote_server_is_neither_started_nor_stopped() -> None:
    server: DatabaseServer = RemoteServer("mongodb://db.example")
    await server.start()
    await server.stop()
    assert server.url == "mongodb://db.example"


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://ann:secret@db.example:27017/regen?authSource=admin",
        "mongodb://ann:sec/secret@db.example:27017",
        "mongodb://ann:sec@secret@db.example:27017/regen",
        "mongodb://ann:s?secret@db.example:27017",
    ],
)
def test_password_is_not_shown(url: str) -> None:
    server = RemoteServer(url)
    assert host_of(url) == "db.example:27017"
    assert "sec" not in f"{server.kind} {server.description} {server!r}"


def test_hosts_of_a_replica_set_are_shown() -> None:
    assert host_of("mongodb+srv://ann:secret@cluster.example/?w=1") == "cluster.example"
    assert host_of("mongodb://a.example:1,b.example:2/regen") == "a.example:1,b.example:2"
