"""Where an imported version comes from."""

from beanie import PydanticObjectId

from app.database.document import Instant, StoredValue
from app.generations.provenance import Provenance


class Imported(StoredValue):
    """What the archive says of a version; nobody here knows whether it is true.

    `at` is when it was imported, `original_id` and `created_at` are its id and its time where it was made, and
    `provenance` is how, null when that is not known any more.
    """

    at: Instant
    original_id: PydanticObjectId
    created_at: Instant
    provenance: Provenance | None
