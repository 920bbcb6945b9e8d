"""Where the operator works: the database of the settings, open, and every store that is set up."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from app.bootstrap.database import DOCUMENTS, database_server, opened_database
from app.bootstrap.stores import picture_stores
from app.database.sharing import joining
from app.database.upgrade import require_layouts
from app.pictures.store import PictureStore
from app.pictures.stores import Stores, how_to_set_up
from app.pictures.sweep import left_for
from app.settings import Settings


class ShelvesError(Exception):
    """What was asked for can't be done, or was not done to the end; a sentence for the operator."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Stores]:
    """Open the database, that of a running server included; the stores are asked themselves, not their copies.

    Raises:
        DatabaseError: it can't be opened.
        SecretFileError: a secret's file can't be trusted.
    """
    stores = picture_stores(settings, copies=False)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(stores.close)
        server = joining(database_server(settings))
        connection = await stack.enter_async_context(opened_database(settings, server))
        await require_layouts(connection.database, DOCUMENTS)
        yield stores.all


def find(stores: Stores, text: str) -> PictureStore:
    """The store that an operator means by its name in documents, or by the part of it before the colon.

    Raises:
        ShelvesError: it is not set up.
    """
    for store in stores:
        if text in {store.name, store.name.partition(":")[0]}:
            return store
    known = ", ".join(stores.names)
    raise ShelvesError(f"The store “{text}” is not set up: {how_to_set_up(text)}. Set up: {known}.")


def grace(settings: Settings) -> timedelta:
    """How long the bytes of a moved picture stay where they were."""
    return left_for(settings.picture_grace_s)
