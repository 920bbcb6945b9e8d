"""A place in a store besides the one that a picture lies at."""

from app.database.document import Instant, StoredValue


class Place(StoredValue):
    """Where bytes of a picture may lie that are to be deleted some day.

    `since` is when it was about to move there, or when it left, by the database's clock.
    """

    store: str
    key: str
    since: Instant
