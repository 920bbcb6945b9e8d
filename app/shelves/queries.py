"""Named queries of the operator, over the pictures of all owners; they may read many documents."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.pictures.model import Picture, PictureState

_USABLE: Mapping[str, Any] = {"state": {"$ne": PictureState.DELETING}}


class Heap(NamedTuple):
    """So many pictures, of so many bytes together."""

    pictures: int = 0
    bytes: int = 0


async def lying() -> dict[str, Heap]:
    """What may be used, by the name of its store."""
    return await _by_store([{"$match": _USABLE}], "$store")


async def left_behind() -> dict[str, Heap]:
    """What pictures have left in each store, and a sweep will delete."""
    return await _by_store([{"$match": {"left.since": {"$exists": True}}}, {"$unwind": "$left"}], "$left.store")


async def on_the_way() -> dict[str, Heap]:
    """What is being moved to each store, or was when a move was interrupted."""
    return await _by_store([{"$match": {"moving.since": {"$exists": True}}}], "$moving.store")


async def first_of(store: str, limit: int | None) -> Heap:
    """Those that a move from there would take; null: all of them."""
    cut: list[Mapping[str, Any]] = [{"$sort": {"_id": 1}}, {"$limit": limit}] if limit else []
    found = await _by_store([{"$match": {"store": store, **_USABLE}}, *cut], "$store")
    return found.get(store, Heap())


async def _by_store(stages: Sequence[Mapping[str, Any]], store: str) -> dict[str, Heap]:
    group = {"$group": {"_id": store, "pictures": {"$sum": 1}, "bytes": {"$sum": "$byteSize"}}}
    cursor = await Picture.rows().aggregate([*stages, group])
    return {row["_id"]: Heap(row["pictures"], row["bytes"]) async for row in cursor}
