"""A version is written when its generation has succeeded, whatever has become of those above it by then."""

from app.lineage.deletion import delete_forever
from app.lineage.discardable import chunks
from app.lineage.tombstone import Tombstone
from app.lineage.version import Version


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


async def _mark_gaps(version: Version) -> None:
    """A tombstone for each one above that is gone: it may have been forgotten before this version came."""
    ancestors = version.lineage.ancestors
    living = await type(version).existing(ancestors)
    depths = {version_id: depth for depth, version_id in enumerate(ancestors) if version_id not in living}
    for some in chunks(depths):
        await Tombstone.keep([Tombstone.above(version, depths[version_id]) for version_id in some])
