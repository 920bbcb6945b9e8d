"""The place of a version in its tree: one stored path, read with one indexed query whatever the depth."""

from typing import Self

from beanie import PydanticObjectId

from app.database.document import StoredValue


class Lineage(StoredValue):
    """`ancestors` are the ids from the root down to the parent; empty for a root, whose `root_id` is its own id."""

    root_id: PydanticObjectId
    ancestors: tuple[PydanticObjectId, ...] = ()

    @classmethod
    def of_root(cls, version_id: PydanticObjectId) -> Self:
        """The place of a first version."""
        return cls(root_id=version_id)

    def child_of(self, version_id: PydanticObjectId) -> "Lineage":
        """The place of a child of the version `version_id`, whose own place this is."""
        return Lineage(root_id=self.root_id, ancestors=(*self.ancestors, version_id))

    @property
    def parent_id(self) -> PydanticObjectId | None:
        """The id of the version this one was made from."""
        return self.ancestors[-1] if self.ancestors else None

    @property
    def depth(self) -> int:
        """0 for a root, 1 for its children."""
        return len(self.ancestors)
