"""What lies in a database: its collections, read in batches, and fingerprints to compare them by."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bson.json_util import CANONICAL_JSON_OPTIONS, dumps, loads

from app.database.connection import RawDatabase, RawDocument
from app.database.errors import DatabaseError

_PASSING = ("layouts", "processes", "provider_slots", "turns")
BATCH = 400
_MODULUS = 1 << 256


@dataclass(slots=True)
class Fingerprint:
    """The number of documents and the sum of their SHA-256: equal whatever the order they were read in."""

    count: int = 0
    total: int = 0

    def add(self, line: bytes) -> None:
        """Take in a document, as `to_line` writes it."""
        self.count += 1
        self.total = (self.total + int.from_bytes(hashlib.sha256(line).digest())) % _MODULUS


def to_line(document: RawDocument) -> bytes:
    """The document in canonical Extended JSON, on one line: every BSON type keeps its own notation.

    `_id` comes first, where MongoDB itself puts it; the embedded database leaves it last in an upserted document.
    """
    return dumps({"_id": document["_id"], **document}, json_options=CANONICAL_JSON_OPTIONS).encode()


def from_line(line: bytes) -> RawDocument:
    """The document that `to_line` wrote."""
    document: RawDocument = loads(line, json_options=CANONICAL_JSON_OPTIONS)
    return document


async def forget_passing(database: RawDatabase) -> None:
    """Make running processes' notes about a database that has new documents now disappear."""
    for name in _PASSING:
        await database[name].delete_many({})


async def collections(database: RawDatabase) -> list[str]:
    """The names of the collections that hold documents to keep, in order.

    Left out are the server's own, and what running processes tell each other.
    """
    names = [name for name in sorted(await database.list_collection_names()) if not name.startswith("system.")]
    names = [name for name in names if name not in _PASSING]
    return [name for name in names if await database[name].find_one({}, {"_id": 1}) is not None]


async def batches(database: RawDatabase, collection: str) -> AsyncIterator[list[RawDocument]]:
    """The documents of a collection by ascending `_id`, up to 400 at a time."""
    batch: list[RawDocument] = []
    async with database[collection].find({}).sort("_id", 1).batch_size(BATCH) as cursor:
        async for document in cursor:
            batch.append(document)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


async def fingerprint(database: RawDatabase, collection: str) -> Fingerprint:
    """The fingerprint of what a collection holds now."""
    result = Fingerprint()
    async for batch in batches(database, collection):
        for document in batch:
            result.add(to_line(document))
    return result


async def require_empty(database: RawDatabase) -> None:
    """Do nothing if the database holds no document.

    Raises:
        DatabaseError: it holds some.
    """
    if names := await collections(database):
        message = (
            f"The database {database.name!r} isn't empty (it has {', '.join(names)}): choose or make an empty one."
        )
        raise DatabaseError(message)
