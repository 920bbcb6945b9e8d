"""The journal: named queries of one owner's dreams, by filters, in pages."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beanie import PydanticObjectId

from app.database.document import only
from app.database.keyset import Stretch
from app.dreams.choosing import Newest
from app.dreams.model import Dream
from app.dreams.parts import DreamStatus, Part
from app.providers.ports.model import Source

type Lacking = Mapping[str, Any]
"""A filter of dreams by what they lack; made here alone."""

_FIELDS = {Part.INTERPRETATION: "interpretation", Part.PICTURE: "illustration"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dreams; null: whatever they are.

    `since` (itself included) and `until` (left out) are of when it was dreamed. `mood`, `tag` and `symbol` are as they
    are kept. Each of `words` has to occur in the text, the title or the narrative, in any case. Those in the trash, or
    else all others.
    """

    status: DreamStatus | None = None
    mood: str | None = None
    tag: str | None = None
    symbol: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: tuple[str, ...] = ()
    missing_picture: bool | None = None
    trashed: bool = False


async def dreams(
    owner_id: PydanticObjectId, wanted: Wanted, stretch: Stretch, keys: Collection[str] | None = None
) -> list[Dream]:
    """The owner's, in the order of the stretch, to be read only; `keys` are what is read of each, null for all."""
    rows = Dream.rows().find(_where(owner_id, wanted) | stretch.bounds, only(keys)).sort("_id", stretch.direction)
    return Dream.of_rows(await rows.limit(stretch.limit).batch_size(stretch.limit).to_list())


async def count(owner_id: PydanticObjectId, wanted: Wanted) -> int:
    """How many they are."""
    return await Dream.rows().count_documents(_where(owner_id, wanted))


async def ids(owner_id: PydanticObjectId, lacking: Lacking, stretch: Stretch) -> list[PydanticObjectId]:
    """Those of the owner's dreams that lack that, that nothing is being made of, and that are not in the trash."""
    where = {"ownerId": owner_id, "trashedAt": None, "making": None, **lacking}
    rows = Dream.rows().find(where | stretch.bounds, {"_id": 1}).sort("_id", stretch.direction)
    return [row["_id"] async for row in rows.limit(stretch.limit).batch_size(stretch.limit)]


def failed() -> Lacking:
    """Nothing could be made of them."""
    return {"status": DreamStatus.FAILED}


def without(part: Part) -> Lacking:
    """That part is not there."""
    return {_FIELDS[part]: None}


def older_than(newest: Mapping[Part, Newest]) -> Lacking:
    """One of those parts of them was made by an older model."""
    return {"$or": [_older(_FIELDS[part], one) for part, one in newest.items()]}


def _older(field: str, newest: Newest) -> dict[str, Any]:
    """As `Newest.is_newer_than`."""
    older: dict[str, Any] = {f"{field}.model": {"$exists": True, "$ne": newest.model}}
    return older if newest.is_providers else older | {f"{field}.source": {"$ne": Source.PROVIDER}}


def _where(owner_id: PydanticObjectId, wanted: Wanted) -> dict[str, Any]:
    """Everything but the place in the list."""
    where: dict[str, Any] = {"ownerId": owner_id, "trashedAt": {"$ne": None} if wanted.trashed else None}
    where |= {name: value for name, value in _equal(wanted).items() if value is not None}
    limits = {"$gte": wanted.since, "$lt": wanted.until}
    if dreamed := {operator: moment for operator, moment in limits.items() if moment is not None}:
        where["dreamedAt"] = dreamed
    if wanted.missing_picture is not None:
        where["illustration"] = None if wanted.missing_picture else {"$ne": None}
    if wanted.words:
        where["$and"] = [_said(word) for word in wanted.words]
    return where


def _equal(wanted: Wanted) -> dict[str, Any]:
    return {
        "status": wanted.status,
        "mood": wanted.mood,
        "tags": wanted.tag,
        "interpretation.symbols.key": wanted.symbol,
    }


def _said(word: str) -> dict[str, Any]:
    pattern = {"$regex": re.escape(word), "$options": "i"}
    return {"$or": [{"text": pattern}, {"title": pattern}, {"interpretation.narrative": pattern}]}
