"""What a generation's lease says, in the database's words and by its clock."""

from datetime import UTC, datetime
from typing import Any, Final

_END: Final = {"$ifNull": ["$lease.until", datetime(1970, 1, 1, tzinfo=UTC)]}

FREE: Final[dict[str, Any]] = {"$lt": [_END, "$$NOW"]}
"""Nobody holds it: it was never taken, was given back, or ran out."""

HELD: Final[dict[str, Any]] = {"$gte": [_END, "$$NOW"]}
"""A worker holds it."""

DUE: Final[dict[str, Any]] = {"$lte": [{"$ifNull": ["$notBefore", "$$NOW"]}, "$$NOW"]}
"""Its next attempt may begin."""


def until(lease_s: float) -> dict[str, Any]:
    """The moment `lease_s` seconds from now."""
    return {"$add": ["$$NOW", round(lease_s * 1000)]}
