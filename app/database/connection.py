"""The connection to the database: one client of the driver, and what its failures mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pymongo
from beanie import init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter of it is untyped
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    InvalidName,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

from app.database.document import DocumentTypes
from app.database.errors import DatabaseError
from app.database.servers import host_of

type RawDocument = dict[str, Any]
type RawDatabase = AsyncDatabase[RawDocument]

_DEFAULT_NAME = "regen"
_OPTIONS: dict[str, Any] = {
    "appname": "regen",
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 60_000,
}
"""Deadlines, unless the URL has others. `tz_aware` stays off: `document.Instant` puts the time zone back."""
_INDEXES_S = 600.0
"""On a large collection an index takes minutes, in which the server says nothing."""
_CLOSE_S = 0.5
_WITHOUT_SESSIONS: Mapping[str, Any] = MappingProxyType({"retryWrites": False})
"""Of a server that is no replica set: the driver's second try fails there before it begins, and after a cut of all
connections its failures close the fresh ones, in a circle. Who writes here repeats it, or says that it failed."""
_UNAUTHENTICATED = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and Atlas's own code for both."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection to one database."""

    client: AsyncMongoClient[RawDocument] = field(repr=False)
    database: RawDatabase = field(repr=False)

    async def ping(self, within_s: float = 1.0) -> bool:
        """Whether the server answers in time."""
        try:
            with pymongo.timeout(within_s):  # unlike a cancelled call it leaves no half-open socket behind
                await self.client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    async def close(self) -> None:
        """Close the driver's sockets; a server that hangs is not waited for."""
        with pymongo.timeout(_CLOSE_S):
            await self.client.close()


async def connect(
    url: str, document_types: DocumentTypes = (), *, name: str | None = None, deadline_s: float | None = None
) -> Connection:
    """Connect, ask the server for a sign of life, and make the indexes of the document types.

    The database is `name`, else the one of the URL's path, else "regen". `deadline_s` is how long each operation
    may take afterwards, all its repetitions together; null: a minute of silence, for long reads and writes.

    Raises:
        DatabaseError: the URL is malformed, nobody answers within 5 s, or the server refuses us.
    """
    client = _client(url, deadline_s, _OPTIONS)
    try:
        hello = await client.admin.command("hello")
        if not (hello.get("setName") or hello.get("msg") == "isdbgrid"):
            await client.close()
            client = _client(url, deadline_s, {**_OPTIONS, **_WITHOUT_SESSIONS})
        database = client[name] if name else client.get_default_database(_DEFAULT_NAME)
        database = database.with_options(read_preference=ReadPreference.PRIMARY)
        if document_types:
            with pymongo.timeout(_INDEXES_S):
                await init_beanie(database=database, document_models=list(document_types))
    except PyMongoError as error:
        await client.close()
        raise _explained(error, url) from error
    except BaseException:
        await client.close()
        raise
    return Connection(client, database)


def _client(url: str, deadline_s: float | None, options: Mapping[str, Any]) -> AsyncMongoClient[RawDocument]:
    wanted = dict(options)
    if deadline_s is not None:
        wanted["timeoutMS"] = round(deadline_s * 1000)
    try:
        given = {option.lower() for option, _ in parse_qsl(urlsplit(url).query)}
        unset = {option: value for option, value in wanted.items() if option.lower() not in given}
        return AsyncMongoClient[RawDocument](url, **unset)
    except (InvalidURI, ConfigurationError, InvalidName, ValueError):
        # Neither the message nor the cause: both may quote a badly escaped password.
        message = (
            "MONGODB_URL is no valid MongoDB address, or its host name has no DNS record. It looks like "
            "mongodb://user:password@host:27017/regen, with special characters of the password percent-encoded."
        )
        raise DatabaseError(message) from None


def _is_about_the_user(error: OperationFailure) -> bool:
    return error.code in _UNAUTHENTICATED or "Authentication failed" in str(error)  # not every server sends the code


def _explained(error: PyMongoError, url: str) -> DatabaseError:
    host = host_of(url)
    if isinstance(error, OperationFailure) and _is_about_the_user(error):
        message = (
            f"MongoDB at {host} refuses the user of MONGODB_URL: check its name, its password, authSource, "
            "and that it may read and write the database."
        )
    elif isinstance(error, ConnectionFailure):
        reason = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0]
        message = (
            f"No MongoDB answers at {host} ({reason}): check that it runs, "
            "that this machine may reach it, and MONGODB_URL."
        )
    else:
        message = f"MongoDB at {host} refused a command at start: {error}"
    return DatabaseError(message)
