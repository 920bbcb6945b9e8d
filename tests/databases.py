"""Databases of tests, and of servers under test on the server that MONGODB_URL names, if it names one."""

import os
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, override
from urllib.parse import urlsplit
from uuid import uuid4

from pymongo import MongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

_WRITES = frozenset({"insert", "update", "findAndModify"})
_PREFIX = f"regen_e2e_{uuid4().hex}_"


def database_setting() -> dict[str, str]:
    """A database of its own on MONGODB_URL's server where there is one; else the server brings the embedded one."""
    url = os.environ.get("MONGODB_URL")
    if not url:
        return {}
    return {"MONGODB_URL": urlsplit(url)._replace(path=f"/{_PREFIX}{uuid4().hex[:8]}").geturl()}


def drop_databases() -> None:
    """Drop what this process's tests were given by `database_setting`."""
    if url := os.environ.get("MONGODB_URL"):
        with MongoClient[dict[str, Any]](url) as client:
            for name in client.list_database_names():
                if name.startswith(_PREFIX):
                    client.drop_database(name)


class Written(CommandListener):
    """The collections that this process has written to, by their database, and how often."""

    def __init__(self) -> None:
        self._documents = defaultdict[str, defaultdict[str, int]](lambda: defaultdict(int))

    def collections(self, database_name: str) -> Mapping[str, int]:
        """Those of a database since `forget`, with at least as many as documents may have come."""
        return self._documents[database_name]

    def forget(self, database_name: str) -> None:
        """Begin anew with a database."""
        self._documents[database_name].clear()

    @override
    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in _WRITES:
            several: list[Any] = event.command.get("documents") or event.command.get("updates") or [event.command]
            self._documents[event.database_name][event.command[event.command_name]] += len(several)

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    @override
    def failed(self, event: CommandFailedEvent) -> None: ...
