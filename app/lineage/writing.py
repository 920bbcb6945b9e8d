"""A version is written when its generation has succeeded, whatever has become of those above it by then."""

from collections.abc import Sequence
from itertools import batched

from beanie import PydanticObjectId

from app.lineage.deletion import delete_forever
from app.lineage.discardable import chunks
from app.lineage.tombstone import Tombstone
from app.lineage.version import Version

_AT_ONCE = 100


async def write(version: Version) -> bool:
    """Store a version under its pre-allocated id; safe to repeat and to race.

    False when it was deleted for ever meanwhile: then it does not come back.
    """
    if await version.put() and await Tombstone.of([version.identity]):
        await delete_forever([version])
        return False
    parent_id = version.parent_id
    if parent_id is not None and not await type(version).existing([parent_id]):
        await _mark_gaps(version)
    return True


async def write_all[V: Version](versions: Sequence[V]) -> list[V]:
    """The same for many of one product, in few commands; those that are there then."""
    for some in batched(versions, _AT_ONCE, strict=False):
        await type(some[0]).put_all(some)
    buried = set[PydanticObjectId]()
    for ids in chunks(version.identity for version in versions):
        buried |= set(await Tombstone.of(ids))
    for some in batched([one for one in versions if one.identity in buried], _AT_ONCE, strict=False):
        await delete_forever(some)
    left = [version for version in versions if version.identity not in buried]
    await _mark_gaps(*left)
    return left


async def _mark_gaps(*versions: Version) -> None:
    """A tombstone for each one above them that is gone: it may have been forgotten before they came."""
    above = {one: (version, depth) for version in versions for depth, one in enumerate(version.lineage.ancestors)}
    unknown = set(above) - {version.identity for version in versions}
    living = await type(versions[0]).existing(list(unknown)) if unknown else set[PydanticObjectId]()
    for some in chunks(unknown - living):
        await Tombstone.keep([Tombstone.above(*above[version_id]) for version_id in some])
