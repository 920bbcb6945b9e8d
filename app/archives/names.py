"""The paths that archives are fetched by."""

import re
from typing import Final, NamedTuple

from beanie import PydanticObjectId

ARCHIVES_PATH: Final = "/archives/"
_PATH: Final = re.compile(r"([0-9a-f]{24})/([0-9a-f]{24})/([a-z0-9][a-z0-9-]{0,59}\.zip)")


class ArchivePath(NamedTuple):
    """Whose it is, which one, and what it is called where it is fetched."""

    owner_id: PydanticObjectId
    archive_id: PydanticObjectId
    file_name: str

    @classmethod
    def parse(cls, text: str) -> "ArchivePath | None":
        """Of what follows `ARCHIVES_PATH`; null for any other text."""
        if (found := _PATH.fullmatch(text)) is None:
            return None
        owner_id, archive_id, file_name = found.groups()
        return cls(PydanticObjectId(owner_id), PydanticObjectId(archive_id), file_name)

    def __str__(self) -> str:
        """The path on this server, unsigned.

        Raises:
            ValueError: the file name is none that an archive may have.
        """
        path = f"{self.owner_id}/{self.archive_id}/{self.file_name}"
        if _PATH.fullmatch(path) is None:
            message = f"not a name of an archive: {self.file_name!r}"
            raise ValueError(message)
        return ARCHIVES_PATH + path
