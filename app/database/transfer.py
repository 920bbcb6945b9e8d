"""Move a whole database to another server: from the embedded one to a MongoDB, say."""

from collections.abc import Mapping

from pymongo import ReplaceOne

from app.database.connection import RawDatabase, RawDocument
from app.database.content import Fingerprint, batches, collections, fingerprint, forget_passing, require_empty, to_line
from app.database.errors import DatabaseError


async def copy(source: RawDatabase, target: RawDatabase, *, resume: bool = False) -> Mapping[str, int]:
    """Copy every document of `source`; the number of documents of each collection.

    Nobody may write to either meanwhile. `connect` makes the indexes on the target. With `resume` the target may
    hold what an earlier, interrupted copy left: a document is written under its own `_id`, as often as you like.
    At the end both sides are compared by fingerprint.

    Raises:
        DatabaseError: the target isn't empty, or in the end isn't equal to the source.
    """
    if not resume:
        await require_empty(target)
    await forget_passing(target)
    names = await collections(source)
    copied = {name: await _copy_collection(source, target, name, resume=resume) for name in names}
    await _verify(target, copied)
    return {name: found.count for name, found in copied.items()}


async def _copy_collection(source: RawDatabase, target: RawDatabase, name: str, *, resume: bool) -> Fingerprint:
    found = Fingerprint()
    async for batch in batches(source, name):
        if resume:
            await target[name].bulk_write([_as_it_is(document) for document in batch], ordered=False)
        else:
            await target[name].insert_many(batch, ordered=False)
        for document in batch:
            found.add(to_line(document))
    return found


def _as_it_is(document: RawDocument) -> ReplaceOne[RawDocument]:
    return ReplaceOne({"_id": document["_id"]}, document, upsert=True)


async def _verify(target: RawDatabase, copied: Mapping[str, Fingerprint]) -> None:
    for name in sorted({*copied, *await collections(target)}):
        expected, there = copied.get(name, Fingerprint()), await fingerprint(target, name)
        if there != expected:
            message = (
                f"The collection {name} differs after copying: {expected.count} documents were read, "
                f"{there.count} are in {target.name!r}. Something else writes to one of the two: stop it and "
                "copy again, to an empty database or as a resumed copy."
            )
            raise DatabaseError(message)
