"""A stretch of a list that is in the order of ids: it starts behind a document, not at a number, so it never shifts."""

from typing import Any, NamedTuple

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING


class Stretch(NamedTuple):
    """At most `limit` documents, the newest first if `descending`, between two ids that are not in it themselves."""

    limit: int
    descending: bool = True
    newer_than: PydanticObjectId | None = None
    older_than: PydanticObjectId | None = None

    @property
    def direction(self) -> int:
        """As the driver wants it."""
        return DESCENDING if self.descending else ASCENDING

    @property
    def bounds(self) -> dict[str, Any]:
        """The filter; empty for the whole list."""
        return bounds(self.newer_than, self.older_than)

    def within(self, newer_than: PydanticObjectId | None, older_than: PydanticObjectId | None) -> "Stretch":
        """The part of it that is also between these two."""
        newer = [one for one in (self.newer_than, newer_than) if one is not None]
        older = [one for one in (self.older_than, older_than) if one is not None]
        return self._replace(newer_than=max(newer, default=None), older_than=min(older, default=None))


def bounds(newer_than: PydanticObjectId | None, older_than: PydanticObjectId | None) -> dict[str, Any]:
    """The filter of what is between two ids; null for no bound."""
    given = {"$gt": newer_than, "$lt": older_than}
    between = {operator: one for operator, one in given.items() if one is not None}
    return {"_id": between} if between else {}
