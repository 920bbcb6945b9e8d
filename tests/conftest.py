"""What every test may ask for: a database server for the run, and a database for the test."""

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from beanie import init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter of it is untyped
from hypothesis import settings
from pymongo import AsyncMongoClient, MongoClient, monitoring
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.database import Database

from app.bootstrap.database import DOCUMENTS
from tests.database.index_rule import Watch
from tests.databases import Written, drop_databases
from tests.scheduling import Scheduling

_CLOSE_S = 10
_DELETED_ONE_BY_ONE = 200
_FULL = bool(os.environ.get("FULL"))
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # what is multiplied here is small, and its threads wait in circles
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "nobody.pem")
"""Whom we trust: nobody here speaks TLS, and to read whom the system trusts takes each client of HTTP 40 ms."""
settings.register_profile("sample", max_examples=8, deadline=None)
settings.register_profile("whole", max_examples=300, deadline=None)
settings.load_profile("whole" if _FULL else "sample")


gc.disable()  # until all is collected: modules and tests stay
_COLLECT_AFTER = (20_000, 20, 50)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """For tests side by side; with FULL=1 those with servers are most of the work, and any process may take them."""
    return None if _FULL else Scheduling(config, log)


def pytest_collection_finish() -> None:
    """Never look again at what stays, and less often at what comes."""
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long ones, unless FULL=1 or one of them is asked for by its name."""
    named = any("::" in argument for argument in config.args)
    if _FULL or named:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session")
def _watch() -> Watch:
    """Hears every command of the run; what processes of their own send is not heard."""
    watch = Watch()
    monitoring.register(watch)
    return watch


@pytest.fixture(autouse=True)
def _index_rule(_watch: Watch) -> Iterator[None]:
    """Whatever a test makes the app ask of the database is served by an index (`tests/database/index_rule.py`)."""
    _watch.clear()
    yield
    assert _watch.faults == []


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MONGODB_URL's server, or an embedded one for each worker of the run.

    With FULL=1 on a file, as users have it. In memory it is the same, but opens no connection to the file for each
    read, which takes a third of its time; the servers that tests start have theirs on a file always.
    """
    if url := os.environ.get("MONGODB_URL"):
        yield url
        return
    path = str(tmp_path_factory.mktemp("database") / "regen.sqlite") if _FULL else ":memory:"
    command = [sys.executable, "-m", "app.database.child", path, "0"]
    root = Path(__file__).parent.parent
    with subprocess.Popen(  # noqa: S603 - our own module, no shell
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        assert url, "the embedded database did not start: its error is above"
        yield url
        child.terminate()
        try:
            child.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            child.kill()


@pytest.fixture(scope="session", autouse=True)
def _clean_server() -> Iterator[None]:
    """Leave nothing on MONGODB_URL's server."""
    yield
    drop_databases()


@pytest.fixture(scope="session")
def _written() -> Written:
    """Hears which collections are written to."""
    written = Written()
    monitoring.register(written)
    return written


@pytest.fixture(scope="session")
def _cleaner(mongodb_url: str) -> Iterator[MongoClient[dict[str, Any]]]:
    """Takes away what tests have written; a connection for each of them takes longer than that."""
    with MongoClient[dict[str, Any]](mongodb_url) as client:
        yield client


@pytest.fixture(scope="session")
def _indexed(mongodb_url: str, worker_id: str, _cleaner: MongoClient[dict[str, Any]]) -> Iterator[str]:
    """The name of a database with the indexes of all documents: to make them takes longer than most tests."""
    name = f"regen_{worker_id}_{uuid4().hex}"

    async def make() -> None:
        async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
            await init_beanie(database=client[name], document_models=list(DOCUMENTS))

    asyncio.run(make())
    yield name
    _cleaner.drop_database(name)


@pytest.fixture
async def database(
    mongodb_url: str, _indexed: str, _written: Written, _cleaner: MongoClient[dict[str, Any]]
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """An empty database with the indexes of all documents; what this process writes to it goes after the test."""
    _written.forget(_indexed)
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
        yield client[_indexed]
    for collection, documents in dict(_written.collections(_indexed)).items():
        _empty(_cleaner[_indexed], collection, documents)


def _empty(database: Database[dict[str, Any]], collection: str, documents: int) -> None:
    """The embedded database deletes documents one by one, a collection at once; `documents` are there at most."""
    if documents <= _DELETED_ONE_BY_ONE or database[collection].estimated_document_count() <= _DELETED_ONE_BY_ONE:
        database[collection].delete_many({})
        return
    database.drop_collection(collection)
    for document in DOCUMENTS:
        settings: Any = vars(document)["Settings"]
        if settings.name == collection and settings.indexes:
            database[collection].create_indexes(settings.indexes)


@pytest.fixture
async def bare_database(
    mongodb_url: str, worker_id: str, _cleaner: MongoClient[dict[str, Any]]
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """A database of this test's own with nothing in it, dropped after it."""
    name = f"regen_{worker_id}_{uuid4().hex}"
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
        yield client[name]
    _cleaner.drop_database(name)
