"""Where an imported image comes from, as clients see it."""

from datetime import datetime
from typing import Self

import strawberry

from app.lineage.imported import Imported


@strawberry.type(
    description="What an archive said of an image that was imported: nobody here knows whether it is true."
)
class ImportedFrom:
    """Shown from the document."""

    imported_at: datetime = strawberry.field(description="When it was imported.")
    created_at: datetime = strawberry.field(description="When it was asked for, on the server that made it.")
    provider: str | None = strawberry.field(description="Who made it: `gemini`, `local`; null when that is not known.")
    model: str | None = strawberry.field(description="The model that made it; null when that is not known.")

    @classmethod
    def of(cls, imported: Imported) -> Self:
        """What a document says of it."""
        provenance = imported.provenance
        return cls(
            imported_at=imported.at,
            created_at=imported.created_at,
            provider=provenance.provider if provenance else None,
            model=provenance.model if provenance else None,
        )
