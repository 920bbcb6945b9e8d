"""Deletes pictures that nothing refers to; any number of processes may do so at once, and any may die meanwhile.

Whoever may come to refer to a picture touches it first and has the grace period to write the reference. So a picture
that was not touched for so long, and that nothing refers to *after* that was seen, can go: it is condemned on the
condition that it is still untouched, which ends all use of it, then its bytes are deleted, then its document. What a
crash leaves condemned is carried on by the next sweep.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from beanie import PydanticObjectId
from structlog.typing import FilteringBoundLogger

from app.errors import AppError
from app.pictures.model import Picture, PictureState
from app.pictures.store import PictureStore

_log: FilteringBoundLogger = structlog.get_logger(__name__)
_ABANDONED_AFTER = timedelta(seconds=60)

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


async def sweep(store: PictureStore, referenced: References, grace_s: float, limit: int) -> SweepReport:
    """Look at `limit` pictures of this store at most; those in other stores are left alone."""
    await _tidy(store, grace_s)
    now = await Picture.database_time()
    cut = now - timedelta(seconds=grace_s)
    abandoned = await Picture.untouched(store.name, PictureState.DELETING, now - _ABANDONED_AFTER, limit)
    loose = await Picture.untouched(store.name, PictureState.LOOSE, cut, limit)
    in_use = await referenced([picture.identity for picture in loose]) if loose else set[PydanticObjectId]()
    held = await Picture.hold(in_use, cut) if in_use else 0
    unused = [picture for picture in loose if picture.identity not in in_use]
    deleted = [await remove(store, picture) for picture in (*abandoned, *unused)]
    return SweepReport(checked=len(loose), held=held, deleted=sum(deleted))


async def remove(store: PictureStore, picture: Picture) -> bool:
    """Delete a picture, unless anybody has touched it since it was read; true if this call did it.

    What the store can't delete now stays condemned, for a later sweep.
    """
    if not await picture.condemn():
        return False
    try:
        await store.delete(picture.key)
    except AppError as error:
        _log.warning("picture_not_deleted", key=picture.key, code=error.code)
        return False
    return await picture.forget()


async def _tidy(store: PictureStore, older_than_s: float) -> None:
    try:
        await store.tidy(older_than_s)
    except AppError as error:
        _log.warning("store_not_tidied", store=store.name, code=error.code)
