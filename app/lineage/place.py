"""The place of a version in its tree: one stored path, read with one indexed query whatever the depth."""

from typing import Self

from beanie import PydanticObjectId

from app.database.document import StoredValue


class Lineage(StoredValue):
    """`ancestors` are the ids from the root down to the parent; empty for a root, whose `root_id` is its own id.

    `depth` is how many they are: 0 for a root, 1 for its children.
    """

    root_id: PydanticObjectId
    ancestors: tuple[PydanticObjectId, ...] = ()
    depth: int = 0

    @classmethod
    def of_root(cls, version_id: PydanticObjectId) -> Self:
        """The place of a first version."""
        return cls(root_id=version_id)

    @classmethod
    def below(cls, *ancestors: PydanticObjectId) -> Self:
        """The place under these, of which there is at least one: the root first, the parent last."""
        return cls(root_id=ancestors[0], ancestors=ancestors, depth=len(ancestors))

    def child_of(self, version_id: PydanticObjectId) -> "Lineage":
        """The place of a child of the version `version_id`, whose own place this is."""
        return Lineage.below(*self.ancestors, version_id)

    @property
    def parent_id(self) -> PydanticObjectId | None:
        """The id of the version this one was made from."""
        return self.ancestors[-1] if self.ancestors else None

    def of_ancestor(self, depth: int) -> "Lineage":
        """The place of the ancestor at that depth."""
        above = self.ancestors[:depth]
        return Lineage.below(*above) if above else Lineage.of_root(self.root_id)
