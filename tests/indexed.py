"""Databases whose indexes are there: to look whether they are takes 50 commands, more than most tests send."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from beanie import init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter of it is untyped
from pymongo.asynchronous.database import AsyncDatabase

from app.bootstrap.database import DOCUMENTS, opened_database
from app.bootstrap.parts import Parts
from app.database.connection import Connection

_LOOKED_THROUGH = set[Any]()
"""By Beanie, for their fields and settings: they are the same in every database, and once takes longer than a test."""


async def point_at(database: AsyncDatabase[dict[str, Any]], documents: Sequence[Any]) -> None:
    """Have these document types lie in that database, whose indexes are there."""
    if new := [document for document in documents if document not in _LOOKED_THROUGH]:
        await init_beanie(database=database, document_models=new, skip_indexes=True)
        _LOOKED_THROUGH.update(new)
    for document in documents:
        document.set_database(database)
        document.set_collection(database[document.get_settings().name])


@asynccontextmanager
async def opened_indexed(parts: Parts) -> AsyncGenerator[Connection]:
    """The database of `parts`, and its clock, as at a start that finds all indexes."""
    async with opened_database(parts.settings, parts.server, ()) as connection:
        await point_at(connection.database, DOCUMENTS)
        await parts.services.generations.clock.set(connection.database)
        yield connection
