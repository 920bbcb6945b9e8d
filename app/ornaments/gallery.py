"""The gallery: named queries of one owner's images, by filters, in pages."""

import re
import struct
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from beanie import PydanticObjectId

from app.database.document import only
from app.database.keyset import Stretch
from app.ornaments.model import OrnamentImage, OrnamentKind

_LAST_SECOND = 2**32 - 1
_SKEW_S = 86_400
"""An id is of its process's clock, `createdAt` of the database's: they are less than this apart."""


class ImageOrder(StrEnum):
    """How a gallery is laid out."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which images; null: whatever they are.

    `created_after` and `created_before` are not in the range themselves. Each of `words` has to occur in the combined
    prompt or in the name, in any case. Those in the trash, or else all others.
    """

    kind: OrnamentKind | None = None
    favourite: bool | None = None
    tag: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    words: tuple[str, ...] = ()
    roots_only: bool = False
    trashed: bool = False


async def images(
    owner_id: PydanticObjectId,
    wanted: Wanted,
    stretch: Stretch,
    skip: int = 0,
    keys: Collection[str] | None = None,
) -> list[OrnamentImage]:
    """The owner's, in the order of the stretch, without the first `skip` of it; to be read only.

    `keys` are what is read of each, null for all.
    """
    part = in_time(wanted, stretch)
    rows = OrnamentImage.rows().find(_where(owner_id, wanted) | part.bounds, only(keys))
    rows = rows.sort("_id", part.direction).skip(skip).limit(part.limit)
    return OrnamentImage.of_rows(await rows.to_list())


async def count(owner_id: PydanticObjectId, wanted: Wanted) -> int:
    """How many they are."""
    whole = in_time(wanted, Stretch(limit=0))
    return await OrnamentImage.rows().count_documents(_where(owner_id, wanted) | whole.bounds)


def in_time(wanted: Wanted, stretch: Stretch) -> Stretch:
    """The part of it that was made in the wanted time, and a little more: an id begins with its second."""
    return stretch.within(_id_of(wanted.created_after, -_SKEW_S), _id_of(wanted.created_before, _SKEW_S))


def _id_of(moment: datetime | None, later_s: int) -> PydanticObjectId | None:
    if moment is None:
        return None
    second = min(max(0, round(moment.timestamp()) + later_s), _LAST_SECOND)
    return PydanticObjectId(struct.pack(">I8x", second))


def _where(owner_id: PydanticObjectId, wanted: Wanted) -> dict[str, Any]:
    """Everything but the place in the list."""
    where: dict[str, Any] = {"ownerId": owner_id, "trashedAt": {"$ne": None} if wanted.trashed else None}
    where |= {name: value for name, value in _equal(wanted).items() if value is not None}
    if wanted.roots_only:
        where["parentId"] = None
    limits = {"$gt": wanted.created_after, "$lt": wanted.created_before}
    if created := {operator: moment for operator, moment in limits.items() if moment is not None}:
        where["createdAt"] = created
    if wanted.words:
        where["$and"] = [_said(word) for word in wanted.words]
    return where


def _equal(wanted: Wanted) -> dict[str, Any]:
    return {"kind": wanted.kind, "favourite": wanted.favourite, "tags": wanted.tag}


def _said(word: str) -> dict[str, Any]:
    pattern = {"$regex": re.escape(word), "$options": "i"}
    return {"$or": [{"combinedPrompt": pattern}, {"name": pattern}]}
