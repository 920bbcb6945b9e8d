"""What a generation of an ornament image does."""

from dataclasses import dataclass

from app.generations.model import Generation
from app.making.versions import VersionJob
from app.ornaments.versions import write_version


@dataclass(frozen=True, slots=True)
class OrnamentJob(VersionJob):
    """Makes the picture of a recipe, and writes the version."""

    async def complete(self, generation: Generation) -> None:
        """Write the version under its pre-allocated id."""
        await write_version(generation)
