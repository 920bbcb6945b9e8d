"""Bring stored documents to the layout of this version of the code: what `regen upgrade` does."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.database.connection import RawDatabase, RawDocument
from app.database.document import DocumentTypes
from app.database.errors import DatabaseError
from app.database.steps import STEPS, Step

_BATCH = 400
_VERSION = "schemaVersion"
_LAYOUTS = "layouts"


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a step did: how many documents it changed in this run."""

    step: Step
    changed: int


def layouts(document_types: DocumentTypes) -> dict[str, int]:
    """The version of each collection that this code writes; the types need no connection."""
    versions: dict[str, int] = {}
    for document_type in document_types:
        collection: str = getattr(getattr(document_type, "Settings", None), "name", None) or document_type.__name__
        version: int = document_type.model_fields["schema_version"].default
        versions[collection] = max(version, versions.get(collection, 0))
    return versions


async def outdated(database: RawDatabase, document_types: DocumentTypes) -> dict[str, int]:
    """How many documents of each collection wait for an upgrade; collections without any are left out.

    Raises:
        DatabaseError: a newer Regen has written documents that this one does not understand.
    """
    waiting = Counter[str]()
    for collection, version in layouts(document_types).items():
        newer = await database[collection].find_one({_VERSION: {"$gt": version}}, {_VERSION: 1})
        if newer is not None:
            message = (
                f"The collection {collection} holds documents of version {newer[_VERSION]}; this Regen knows "
                f"them up to version {version}. Run the Regen that wrote them, or a later one."
            )
            raise DatabaseError(message)
        waiting[collection] = await database[collection].count_documents({_VERSION: {"$lt": version}})
    return {collection: count for collection, count in waiting.items() if count}


async def require_layouts(database: RawDatabase, document_types: DocumentTypes) -> None:
    """Do nothing if every document has the layout of this version; what was found is remembered for the next start.

    Raises:
        DatabaseError: some are older, or newer.
    """
    versions, known = layouts(document_types), await database[_LAYOUTS].find_one({"_id": _LAYOUTS})
    if known is not None and known["versions"] == versions:
        return
    if waiting := await outdated(database, document_types):
        counts = ", ".join(f"{count} in {collection}" for collection, count in waiting.items())
        message = (
            f"Documents have the layout of an earlier version ({counts}): make a backup, then run `regen upgrade`."
        )
        raise DatabaseError(message)
    await database[_LAYOUTS].update_one({"_id": _LAYOUTS}, {"$set": {"versions": versions}}, upsert=True)


async def upgrade(
    database: RawDatabase, document_types: DocumentTypes, steps: Sequence[Step] = STEPS
) -> tuple[StepReport, ...]:
    """Apply the steps, in their order, to the documents that are older than them.

    Each document is changed by one update with its version as the condition: a run that was cut off is continued
    by the next, and a finished one changes nothing. Run it before the app of the new version starts.

    Raises:
        DatabaseError: documents are newer than the code, or older ones are left because a step is missing or failed.
    """
    await outdated(database, document_types)
    reports = tuple([StepReport(step, await _apply(database, step)) for step in steps])
    if left := await outdated(database, document_types):
        counts = ", ".join(f"{count} in {collection}" for collection, count in left.items())
        raise DatabaseError(f"No step leads some documents to this version: {counts}.")
    return reports


async def _apply(database: RawDatabase, step: Step) -> int:
    collection = database[step.collection]
    changed = 0
    while batch := await collection.find({_VERSION: step.from_version}).limit(_BATCH).to_list():
        before = changed
        for document in batch:
            condition = {"_id": document["_id"], _VERSION: step.from_version}
            result = await collection.update_one(condition, _update(step, document))
            changed += result.modified_count
        if changed == before:
            raise DatabaseError(f"The step {step.name!r} changes no document of {step.collection} any more.")
    return changed


def _update(step: Step, document: RawDocument) -> RawDocument | list[Mapping[str, Any]]:
    version = {_VERSION: step.to_version}
    if not callable(step.change):
        return [*step.change, {"$set": version}]
    try:
        update = step.change(document)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        message = f"The step {step.name!r} cannot change {document['_id']} of {step.collection}: {error!r}."
        raise DatabaseError(message) from error
    return {**update, "$set": {**update.get("$set", {}), **version}}
