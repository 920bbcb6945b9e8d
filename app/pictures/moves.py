"""Moves pictures from one store to another, while others use and sweep them; it may be killed at any point.

First the document says where the bytes are about to go, under a key of their own, then they are copied and compared,
then one update makes the new place the picture's and the old one a place it has left. So every place that may hold
bytes stands in the document at all times. What a picture has left is deleted by a sweep once no link can point there
any more; so is where it was about to move, if nobody went on with that. A move that finds its plan gone ends there.
"""

import asyncio
import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any

from beanie import PydanticObjectId
from pymongo.errors import DuplicateKeyError

from app.errors import AppError, ErrorCode
from app.pictures.keys import ending_of, new_key
from app.pictures.model import NOW, Picture, PictureState, content_of
from app.pictures.place import Place
from app.pictures.store import PictureStore
from app.pictures.stores import Stores

_USABLE = {"$ne": PictureState.DELETING}


class Outcome(StrEnum):
    """What became of a move."""

    MOVED = "MOVED"
    OVERTAKEN = "OVERTAKEN"
    """Somebody else has moved or deleted the picture meanwhile."""


async def move(stores: Stores, picture: Picture, target: PictureStore) -> Outcome:
    """Copy a picture to another store, compare, and let it be found there; the old bytes stay for a sweep.

    Raises:
        AppError: what either store raises; SOURCE_IMAGE_MISSING, too, when the bytes are not what the document says.
            The move can be begun again.
    """
    data = await stores.named(picture.store).open(picture.key, picture.version)
    if await asyncio.to_thread(_sha256, data) != picture.sha256:
        raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "The stored picture is damaged.")
    place = await _begin(picture, target.name)
    if place is None:
        return Outcome.OVERTAKEN
    version = await target.put(place.key, data, picture.media_type)
    is_whole = await _is_whole(target, place.key, version, picture.sha256)
    if is_whole and await _finish(picture, place, version):
        return Outcome.MOVED
    now = (await Picture.by_ids([picture.identity])).get(picture.identity)
    if now is None:
        await target.delete(place.key)  # the picture was deleted while the bytes were on their way
    if now is None or now.moving is None or now.moving.key != place.key:
        return Outcome.OVERTAKEN
    await _drop(now.identity, now.moving, place.since)
    raise AppError(ErrorCode.UNAVAILABLE, f"The copy in {target.name} differs from the picture.", retryable=True)


async def of_store(name: str, after: PydanticObjectId | None, limit: int) -> list[Picture]:
    """So many usable pictures of a store, in the order of their ids, from after that one on."""
    later = {"_id": {"$gt": after}} if after else {}
    found = Picture.rows().find({"store": name, "state": _USABLE, **later}).sort("_id", 1).limit(limit)
    return [Picture.model_validate(row) async for row in found]


async def give_up(before: datetime, now: datetime, limit: int) -> None:
    """Have a sweep delete, later, what was copied by moves that nobody went on with since then."""
    async for row in Picture.rows().find({"moving.since": {"$lt": before}, "state": _USABLE}).limit(limit):
        picture = Picture.model_validate(row)
        if picture.moving is not None:
            await _drop(picture.identity, picture.moving, now)


async def have_left(store: str, before: datetime, limit: int) -> list[Picture]:
    """So many pictures that left a place in this store before then."""
    place = {"store": store, "since": {"$lt": before}}
    rows = Picture.rows().find({"left": {"$elemMatch": place}, "state": _USABLE}).limit(limit)
    return [Picture.model_validate(row) async for row in rows]


async def forget_left(picture: Picture, key: str) -> None:
    """There is nothing any more at a place that it has left."""
    await Picture.rows().update_one({"_id": picture.identity}, {"$pull": {"left": {"key": key}}})


async def _begin(picture: Picture, target: str) -> Place | None:
    """Say where the bytes will go; null when the picture is not where it was read. Safe from sweeps from now on."""
    now, before = await Picture.database_time(), picture.moving
    goes_on = before is not None and before.store == target
    key = before.key if before and goes_on else _key_for(picture)
    change: dict[str, Any] = {"$set": {"moving": _row(target, key, now)}, **NOW}
    if before and not goes_on:
        change["$push"] = {"left": _row(before.store, before.key, now)}
    planned = {"moving.key": before.key} if before else {"moving": None}
    where = {"_id": picture.identity, "key": picture.key, "state": _USABLE, **planned}
    result = await Picture.rows().update_one(where, change)
    return Place(store=target, key=key, since=now) if result.matched_count else None


async def _drop(picture_id: PydanticObjectId, plan: Place, now: datetime) -> None:
    """Have a sweep delete, later, what was copied there, unless somebody goes on with the plan meanwhile."""
    where = {"_id": picture_id, "moving.key": plan.key, "moving.since": plan.since}
    change = {"$unset": {"moving": ""}, "$push": {"left": _row(plan.store, plan.key, now)}}
    await Picture.rows().update_one(where, change)


async def _is_whole(store: PictureStore, key: str, version: str | None, sha256: str) -> bool:
    try:
        return await asyncio.to_thread(_sha256, await store.open(key, version)) == sha256
    except AppError as error:
        if error.code is ErrorCode.SOURCE_IMAGE_MISSING:
            return False
        raise


async def _finish(picture: Picture, place: Place, version: str | None) -> bool:
    """Make that place the picture's, if nothing has come in between."""
    where = {"_id": picture.identity, "key": picture.key, "moving.key": place.key, "state": _USABLE}
    there = {"store": place.store, "key": place.key, "version": version}
    left = {"left": _row(picture.store, picture.key, await Picture.database_time())}
    content = {"content": content_of(place.store, picture.owner_id, picture.sha256)}
    change = {"$set": {**there, **content}, "$unset": {"moving": ""}, "$push": left, **NOW}
    try:
        result = await Picture.rows().update_one(where, change)
    except DuplicateKeyError:  # the same bytes of this owner lie there already, as another picture
        change = {"$set": there, "$unset": {"moving": "", "content": ""}, "$push": left, **NOW}
        result = await Picture.rows().update_one(where, change)
    return result.modified_count == 1


def _key_for(picture: Picture) -> str:
    """A new one for every move: a deletion at an old place that comes late takes nothing from a new one."""
    return new_key(picture.owner_id, picture.sha256, ending_of(picture.key), PydanticObjectId())


def _row(store: str, key: str, since: datetime) -> dict[str, object]:
    return Place(store=store, key=key, since=since).model_dump(by_alias=True)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
