"""What two versions descend from."""

from collections.abc import Sequence

from beanie import PydanticObjectId

from app.lineage.version import Version

type Path = Sequence[PydanticObjectId]
"""The ids from the root down to a version, its own at the end."""


def path_of(version: Version) -> Path:
    """Its own, as it is stored: some of those may be deleted for ever."""
    return (*version.lineage.ancestors, version.identity)


def nearest_common_ancestor(first: Path, second: Path) -> PydanticObjectId | None:
    """The lowest version that both descend from, or are; null when they are of two trees."""
    nearest: PydanticObjectId | None = None
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        nearest = one
    return nearest
