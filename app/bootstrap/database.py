"""Which database it is, which documents lie in it, and how it is opened."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.accounts.erasure import Erasure
from app.accounts.model import Session, User
from app.archives.model import Archive
from app.batches.model import Batch
from app.chats.descriptions import PictureDescription
from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.model import Chat
from app.costs.days import BudgetDay
from app.database import servers
from app.database.connection import Connection, connect
from app.database.document import DocumentTypes
from app.database.servers import DatabaseServer
from app.dreams.model import Dream
from app.dreams.versions import DreamVersion
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.generations.slots import ProviderSlots
from app.generations.switch import Turn
from app.lineage.promotion import Promotion
from app.lineage.tombstone import Tombstone
from app.lineage.votes import Vote
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture
from app.projects.invitation import Invitation
from app.projects.model import Project
from app.settings import Settings
from app.templates.model import Template

DOCUMENTS: DocumentTypes = (
    User,
    Session,
    Erasure,
    Picture,
    Generation,
    Batch,
    Lane,
    ProviderSlots,
    BudgetDay,
    Turn,
    Tombstone,
    Promotion,
    Vote,
    OrnamentImage,
    Template,
    Archive,
    Dream,
    DreamVersion,
    Project,
    Invitation,
    Chat,
    Exchange,
    ChatImage,
    PictureDescription,
)


def database_server(settings: Settings) -> DatabaseServer:
    """The database's server that the settings mean."""
    url = settings.mongodb_url.get_secret_value() if settings.mongodb_url else None
    return servers.choose(url, settings.data_dir)


@asynccontextmanager
async def opened_database(
    settings: Settings,
    server: DatabaseServer,
    documents: DocumentTypes = DOCUMENTS,
    deadline_s: float | None = None,
) -> AsyncGenerator[Connection]:
    """Start the server, connect and make the indexes of `documents`; close and stop at the exit.

    `deadline_s`: of each operation, see `connect`.

    Raises:
        DatabaseError: in a sentence for the operator.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await server.start()
    try:
        connection = await connect(server.url, documents, deadline_s=deadline_s)
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        await server.stop()
