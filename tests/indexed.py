"""Databases whose indexes are there: to look whether they are takes 50 commands, more than most tests send."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from beanie import init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter of it is untyped

from app.bootstrap.database import DOCUMENTS, opened_database
from app.bootstrap.parts import Parts
from app.database.connection import Connection


@asynccontextmanager
async def opened_indexed(parts: Parts) -> AsyncGenerator[Connection]:
    """The database of `parts`, and its clock, as at a start that finds all indexes."""
    async with opened_database(parts.settings, parts.server, ()) as connection:
        await init_beanie(database=connection.database, document_models=list(DOCUMENTS), skip_indexes=True)
        await parts.services.generations.clock.set(connection.database)
        yield connection
