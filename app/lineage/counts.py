"""How many versions were made from each of some, counted when it is asked for and never stored."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from beanie import PydanticObjectId

from app.lineage.tombstone import Tombstone
from app.lineage.version import Link, Version

BY_PARENT_MAX = 400
"""More are counted by their trees."""


class Spot(NamedTuple):
    """A version, and the tree that it is in."""

    root_id: PydanticObjectId
    version_id: PydanticObjectId


async def child_counts(versions: type[Version], spots: Sequence[Spot]) -> dict[Spot, int]:
    """How many versions there are right below each; see `numbers_below`."""
    numbers = await numbers_below(versions, spots)
    return {spot: numbers.get(spot.version_id, 0) for spot in spots}


async def numbers_below(versions: type[Version], spots: Sequence[Spot]) -> Mapping[PydanticObjectId, int]:
    """How many versions there are right below each that has any: one command for a few, else a read of their trees."""
    if len(spots) <= BY_PARENT_MAX:
        return await versions.number_of_children([spot.version_id for spot in spots])
    links = await versions.links({spot.root_id for spot in spots})
    return Counter(link.parent_id for link in links if link.parent_id is not None)


async def descendant_counts(versions: type[Version], spots: Sequence[Spot]) -> dict[Spot, int]:
    """How many versions there are below each, however deep.

    One read of their trees, and one of the tombstones in them where versions were deleted for ever; those don't count.
    """
    roots = {spot.root_id for spot in spots}
    living = await versions.links(roots)
    known = {link.version_id for link in living}
    gaps = any(link.parent_id is not None and link.parent_id not in known for link in living)
    deleted = [link for link in await Tombstone.links(roots) if link.version_id not in known] if gaps else []
    below = _summed(living, deleted)
    return {spot: below[spot.version_id] for spot in spots}


def _summed(living: Sequence[Link], deleted: Sequence[Link]) -> Counter[PydanticObjectId]:
    """How many living ones are below each; the deepest first, each hands its number on to its parent."""
    below = Counter[PydanticObjectId]()
    weights = [(link, 1) for link in living] + [(link, 0) for link in deleted]
    for link, own in sorted(weights, key=lambda weighed: weighed[0].depth, reverse=True):
        if link.parent_id is not None:
            below[link.parent_id] += below[link.version_id] + own
    return below
