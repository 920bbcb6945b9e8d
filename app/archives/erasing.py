"""The archives of an owner are erased, whatever is being done with them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.archives.service import Archives


@dataclass(frozen=True, slots=True)
class ArchiveEraser:
    """Deletes files and documents. Implements `Eraser`.

    What is being written has no name yet and ends with its document gone; what a killed process began is tidied away.
    """

    archives: Archives

    @property
    def name(self) -> str:
        """`archives`."""
        return "archives"

    async def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        """Delete all there are: a few, for an owner may have no more.

        Raises:
            AppError: UNAVAILABLE, retryable, when the disk refuses.
        """
        while deleted := await self.archives.delete_all_of(owner_id):
            yield deleted
