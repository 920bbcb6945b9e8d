"""Archives as clients see them."""

from datetime import datetime
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.access import own
from app.api.context import Info, viewer
from app.api.ids import global_id
from app.api.node import Node
from app.archives import model as stored
from app.archives.model import ArchiveState
from app.generations.model import Generation

TYPE_NAME = "Archive"


@strawberry.type(description="A zip file that was made for its owner, to be fetched before it expires.")
class Archive(Node):
    """Shown from its document."""

    file_name: str = strawberry.field(description="What it is called when it is saved.")
    bytes: float = strawberry.field(description="Its size, a whole number: larger ones than an `Int` can say exist.")
    sha256: str = strawberry.field(description="The SHA-256 of its bytes, hexadecimal.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="When it is deleted.")
    document: strawberry.Private[stored.Archive]

    @classmethod
    def of(cls, archive: stored.Archive) -> Self:
        """The archive of a document."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, archive.identity)),
            file_name=archive.file_name,
            bytes=archive.byte_size,
            sha256=archive.sha256,
            created_at=archive.created_at,
            expires_at=archive.expires_at,
            document=archive,
        )

    @strawberry.field
    def url(self, info: Info) -> str:
        """Where to fetch it, without further headers: whoever has the link may, for an hour at least while it is kept.

        Ask again rather than keep it. It answers range requests, so that a download which was cut off can go on.
        """
        return info.context.base_url + info.context.services.archives.url(self.document)


async def find(info: Info, identity: PydanticObjectId) -> Archive | None:
    """The viewer's own archive."""
    who = viewer(info)
    archive = own(who.user_id, await info.context.loaders.archives.load(identity))
    if archive is None or archive.state is not ArchiveState.READY:
        return None
    return Archive.of(archive)


async def result(info: Info, generation: Generation) -> Archive | None:
    """What a succeeded export made; null when it has expired."""
    return await find(info, generation.steps["archive"]["archiveId"])
