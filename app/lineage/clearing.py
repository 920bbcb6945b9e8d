"""Finishes deletions that were cut off, and forgets tombstones that nothing descends from any more.

A tombstone is looked at a grace period after it was touched. All of these touch it: the deletion itself, the deletion
of any descendant, and a descendant that is written after its parent went. One that was touched since it was read is
left alone, so that any number of processes may look at once.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from app.generations.releasing import being_changed, release
from app.generations.sweeper import Chore
from app.lineage.tombstone import Tombstone
from app.lineage.trash import Trash
from app.pictures.model import Picture

_AT_ONCE = 100


def clearing(trashes: Sequence[Trash[Any]], grace_s: float, every_s: float) -> Chore:
    """The chore for what was deleted of all products."""

    async def run() -> None:
        by_collection = {trash.product.rows().name: trash for trash in trashes}
        while await clear(by_collection, grace_s) == _AT_ONCE:
            pass

    return Chore("tombstones", every_s, run)


async def clear(trashes: Mapping[str, Trash[Any]], grace_s: float) -> int:
    """Look at the tombstones (100 at most) that were touched a grace period ago; how many they were.

    `trashes` are by collection. None is looked at twice within a grace period.
    """
    before = await Tombstone.database_time() - timedelta(seconds=grace_s)
    waiting = await Tombstone.touched(before, _AT_ONCE)
    for tombstone in waiting:
        await _look_at(tombstone, trashes[tombstone.collection])
    return len(waiting)


async def _look_at(tombstone: Tombstone, trash: Trash[Any]) -> None:
    identity = tombstone.identity
    if left := await trash.product.by_ids([identity]):
        await trash.delete([left[identity]])
        return
    if await being_changed(identity):  # it holds the picture, and has to let go of it after its end
        await Tombstone.touch([identity])
        return
    await release([], [identity], Picture.let_go)
    await trash.finish(identity)
    if await trash.product.has_descendants(tombstone.lineage.root_id, identity):
        await tombstone.rest()
    else:
        await tombstone.forget()
