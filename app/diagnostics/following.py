"""A run followed live: what is told is always what the database says, an event only makes it be read again."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.accounts.administrators import administrator
from app.database.absence import Absence
from app.diagnostics.results import Run
from app.generations.following import progress
from app.generations.model import Generation
from app.generations.ports import EventHub

_AWAY_S = 60


async def updates(hub: EventHub, owner_id: PydanticObjectId, generation_id: PydanticObjectId) -> AsyncGenerator[Run]:
    """The run as it stands, then each change of it; ends with the run, or when it is gone.

    Raises:
        AppError: FORBIDDEN once the owner is no administrator any more; UNAUTHENTICATED when the account is gone.
    """
    generation = await _look(owner_id, generation_id)
    if generation is None:
        return
    told = Run.of(generation)
    yield told
    async with aclosing(progress(hub, owner_id, generation_id, generation.last_sequence)) as events:
        async for _ in events:
            if (generation := await _look(owner_id, generation_id)) is None:
                return
            if (now := Run.of(generation)) != told:
                told = now
                yield told


async def _look(owner_id: PydanticObjectId, generation_id: PydanticObjectId) -> Generation | None:
    """As it stands now, for who is an administrator now; a database that is away is waited for."""
    absence = Absence(_AWAY_S)
    while True:
        try:
            await administrator(owner_id)
            return (await Generation.without_events([generation_id])).get(generation_id)
        except PyMongoError as error:
            await absence.bear(error)
