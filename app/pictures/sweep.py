"""Deletes pictures that nothing refers to; any number of processes may do so at once, and any may die meanwhile.

Whoever may come to refer to a picture touches it first and has the grace period to write the reference. So a picture
that was not touched for so long, and that nothing refers to *after* that was seen, can go: it is condemned on the
condition that it is still untouched, which ends all use of it, then its bytes are deleted, then its document. What a
crash leaves condemned is carried on by the next sweep. Where a picture lay before it was moved is cleared as well.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from beanie import PydanticObjectId
from structlog.typing import FilteringBoundLogger

from app.errors import AppError, ErrorCode
from app.pictures import moves
from app.pictures.links import LIFETIME_S
from app.pictures.model import Picture, PictureState
from app.pictures.store import PictureStore
from app.pictures.stores import Stores

_log: FilteringBoundLogger = structlog.get_logger(__name__)
_ABANDONED_AFTER = timedelta(seconds=60)
_LEFT_MIN_S = LIFETIME_S + 3600  # the links to where a picture lay before go on working, and whoever read it is done
_REFUSALS = 3  # a store that is away takes a deadline each

type References = Callable[[Sequence[PydanticObjectId]], Awaitable[set[PydanticObjectId]]]
"""Which of these pictures (400 at most) something refers to, read from the primary when it is asked."""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What one sweep did: how many untouched pictures it looked at, found in use, and deleted.

    When `checked` is the limit there may be more. `deleted` counts those that an earlier sweep had begun with, too.
    """

    checked: int
    held: int
    deleted: int


async def sweep(stores: Stores, referenced: References, grace_s: float, limit: int) -> SweepReport:
    """Look at `limit` pictures at most of each store that is set up; those in others are left alone."""
    reports = [await _sweep_one(stores, store, referenced, grace_s, limit) for store in stores]
    now = await Picture.database_time()
    cut = now - left_for(grace_s)
    await moves.give_up(cut, now, limit)
    for store in stores:
        await _clear_left(store, cut, limit)
    return SweepReport(
        checked=sum(report.checked for report in reports),
        held=sum(report.held for report in reports),
        deleted=sum(report.deleted for report in reports),
    )


def left_for(grace_s: float) -> timedelta:
    """How long bytes stay where a picture lay before it was moved."""
    return timedelta(seconds=max(grace_s, _LEFT_MIN_S))


async def remove(stores: Stores, picture: Picture) -> bool:
    """Delete a picture, unless anybody has touched it since it was read; true if this call did it.

    What a store can't delete now stays condemned, for a later sweep.
    """
    try:
        return await _removed(stores, picture)
    except AppError as error:
        _log.warning("picture_not_deleted", key=picture.key, code=error.code)
        return False


async def _sweep_one(
    stores: Stores, store: PictureStore, referenced: References, grace_s: float, limit: int
) -> SweepReport:
    await _tidy(store, grace_s)
    now = await Picture.database_time()
    cut = now - timedelta(seconds=grace_s)
    abandoned = await Picture.untouched(store.name, PictureState.DELETING, now - _ABANDONED_AFTER, limit)
    loose = await Picture.untouched(store.name, PictureState.LOOSE, cut, limit)
    in_use = await referenced([picture.identity for picture in loose]) if loose else set[PydanticObjectId]()
    held = await Picture.hold(in_use, cut) if in_use else 0
    unused = [picture for picture in loose if picture.identity not in in_use]
    return SweepReport(checked=len(loose), held=held, deleted=await _remove_all(stores, (*abandoned, *unused)))


async def _remove_all(stores: Stores, pictures: Sequence[Picture]) -> int:
    deleted, refusals = 0, 0
    for picture in pictures:
        try:
            deleted += await _removed(stores, picture)
        except AppError as error:
            _log.warning("picture_not_deleted", key=picture.key, code=error.code)
            refusals += error.code is not ErrorCode.SOURCE_IMAGE_MISSING  # that store is not set up, and takes no time
            if refusals == _REFUSALS:
                break
    return deleted


async def _removed(stores: Stores, picture: Picture) -> bool:
    if not await picture.condemn():
        return False
    for store, key in picture.places:
        await stores.named(store).delete(key)
    return await picture.forget()


async def _clear_left(store: PictureStore, cut: datetime, limit: int) -> None:
    """Delete what pictures left here before then, and those that were on their way here and never arrived."""
    refusals = 0
    for picture in await moves.have_left(store.name, cut, limit):
        for place in picture.left:
            if place.store == store.name and place.since < cut and refusals < _REFUSALS:
                try:
                    await store.delete(place.key)
                    await moves.forget_left(picture, place.key)
                except AppError as error:
                    _log.warning("picture_not_deleted", key=place.key, code=error.code)
                    refusals += 1


async def _tidy(store: PictureStore, older_than_s: float) -> None:
    try:
        await store.tidy(older_than_s)
    except AppError as error:
        _log.warning("store_not_tidied", store=store.name, code=error.code)
