"""A product as simple as it can be, stored trees of it, and the commands that reading them takes."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar, override

import pytest
from beanie import PydanticObjectId, init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter of it is untyped
from pymongo import AsyncMongoClient, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.chats.image import ChatImage
from app.database.document import utc_now
from app.generations.model import Generation
from app.lineage.place import Lineage
from app.lineage.promotion import Promotion
from app.lineage.tombstone import Tombstone
from app.lineage.version import Version, version_indexes
from app.lineage.votes import Vote
from app.ornaments.asked import Role
from app.ornaments.model import OrnamentImage, OrnamentKind, SourcePicture
from app.pictures.model import Picture
from app.providers.ports.model import Source


class Sketch(Version):
    """Nothing but a version."""

    class Settings:
        name = "sketches"
        indexes: ClassVar[list[IndexModel]] = version_indexes()


DOCUMENTS = [Sketch, Tombstone, Promotion, Vote, Generation, Picture, OrnamentImage, ChatImage]


class Commands(CommandListener):
    """The names of the commands that were sent to the database, in order."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    @override
    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append(event.command_name)

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    @override
    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture
async def commands(mongodb_url: str, database: AsyncDatabase[dict[str, Any]]) -> AsyncIterator[Commands]:
    """What is sent from now on; versions can be stored."""
    listener = Commands()
    async with AsyncMongoClient[dict[str, Any]](mongodb_url, event_listeners=[listener]) as client:
        await init_beanie(database=client[database.name], document_models=DOCUMENTS, skip_indexes=True)
        await Sketch.rows().create_indexes(Sketch.Settings.indexes)
        listener.sent.clear()
        yield listener


def _common(parent: Version | None, identity: PydanticObjectId, prompt: str) -> dict[str, Any]:
    return {
        "id": identity,
        "owner_id": parent.owner_id if parent else PydanticObjectId(),
        "picture_id": PydanticObjectId(),
        "generation_id": PydanticObjectId(),
        "lineage": parent.lineage.child_of(parent.identity) if parent else Lineage.of_root(identity),
        "parent_id": parent.identity if parent else None,
        "prompt": prompt,
        "original_prompt": "first",
        "new_prompt": prompt if parent else None,
        "prompts": ("first", prompt),
        "combined_prompt": f"first. {prompt}",
        "source": Source.MOCK,
        "created_at": utc_now(),
    }


def sketch(parent: Sketch | None = None, prompt: str = "again") -> Sketch:
    """A version of that one, or a first one; not stored yet."""
    return Sketch(**_common(parent, PydanticObjectId(), prompt))


def ornament(parent: OrnamentImage | None = None, owner_id: PydanticObjectId | None = None) -> OrnamentImage:
    """The same as an ornament image."""
    common = _common(parent, PydanticObjectId(), "again")
    common["owner_id"] = owner_id or common["owner_id"]
    sources = parent.sources if parent else (SourcePicture(role=Role.ORNAMENT, picture_id=PydanticObjectId()),)
    return OrnamentImage(**common, kind=OrnamentKind.WHITE_BACKGROUND, background_color=None, sources=sources)


def chat_image(parent: ChatImage | None = None, owner_id: PydanticObjectId | None = None) -> ChatImage:
    """The same as an image of a chat."""
    common = _common(parent, PydanticObjectId(), "again")
    common["owner_id"] = owner_id or common["owner_id"]
    for name in ("project_id", "chat_id", "exchange_id"):
        common[name] = getattr(parent, name) if parent else PydanticObjectId()
    return ChatImage(**common)


def chain(first: Sketch, length: int) -> list[Sketch]:
    """That many versions, each made from the one before; the first is made from `first`."""
    made = [first]
    for _ in range(length):
        made.append(sketch(made[-1]))
    return made[1:]


async def stored[V: Version](versions: Sequence[V]) -> Sequence[V]:
    """Stored as they are."""
    await type(versions[0]).insert_many(versions)
    return versions


def ids(versions: Sequence[Version]) -> list[PydanticObjectId]:
    return [version.identity for version in versions]
