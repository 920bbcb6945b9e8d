"""Finishes deletions that were cut off, and forgets tombstones that nothing descends from any more.

A tombstone is looked at a grace period after it was touched. All of these touch it: the deletion itself, the deletion
of any descendant, and a descendant that is written after its parent went. One that was touched since it was read is
left alone, so that any number of processes may look at once.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from app.generations.releasing import being_changed, release
from app.generations.sweeper import Chore
from app.lineage.deletion import delete_forever
from app.lineage.tombstone import Tombstone
from app.lineage.version import Version
from app.pictures.model import Picture

_AT_ONCE = 100


def clearing(products: Sequence[type[Version]], grace_s: float, every_s: float) -> Chore:
    """The chore for the versions of all products."""

    async def run() -> None:
        by_collection = {product.rows().name: product for product in products}
        while await clear(by_collection, grace_s) == _AT_ONCE:
            pass

    return Chore("tombstones", every_s, run)


async def clear(products: Mapping[str, type[Version]], grace_s: float) -> int:
    """Look at the tombstones (100 at most) that were touched a grace period ago; how many they were.

    `products` are by collection. None is looked at twice within a grace period.
    """
    before = await Tombstone.database_time() - timedelta(seconds=grace_s)
    waiting = await Tombstone.touched(before, _AT_ONCE)
    for tombstone in waiting:
        await _look_at(tombstone, products[tombstone.collection])
    return len(waiting)


async def _look_at(tombstone: Tombstone, product: type[Version]) -> None:
    identity = tombstone.identity
    if left := await product.by_ids([identity]):
        await delete_forever([left[identity]])
        return
    if await being_changed(identity):  # it holds the picture, and has to let go of it after its end
        await Tombstone.touch([identity])
        return
    await release([], [identity], Picture.let_go)
    if await product.has_descendants(tombstone.lineage.root_id, identity):
        await tombstone.rest()
    else:
        await tombstone.forget()
