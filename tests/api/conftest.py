"""The stored generations of an empty database, and the commands that reading them takes."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, override

import pytest
from beanie import PydanticObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.database.document import utc_now
from app.generations.model import Generation
from app.generations.recipe import Recipe
from tests.api.both import COMPARISON
from tests.indexed import point_at

_COUNTING = frozenset({"commands", "sent", "watch", "read_once"})
"""Fixtures that hear what is sent to the database."""
_RECIPE = Recipe(task="TEST", prompts=("a",), pictures=(), provider="test", model="test-1")


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


@pytest.fixture(autouse=True)
def _comparison(request: pytest.FixtureRequest) -> Iterator[None]:
    """What `tests.api.both.schema` shows is shown alike in both ways; once only where commands are counted."""
    COMPARISON.is_on = _COUNTING.isdisjoint(request.fixturenames)
    COMPARISON.differences.clear()
    yield
    COMPARISON.is_on = False
    assert COMPARISON.differences == []


@pytest.fixture
async def commands(mongodb_url: str, database: AsyncDatabase[dict[str, Any]]) -> AsyncIterator[Commands]:
    """What is sent from now on; generations can be stored."""
    listener = Commands()
    async with AsyncMongoClient[dict[str, Any]](mongodb_url, event_listeners=[listener]) as client:
        await point_at(client[database.name], [Generation])
        yield listener


async def stored(owner_id: PydanticObjectId) -> Generation:
    """A generation that waits for its first attempt."""
    generation = Generation.queued(owner_id, "ORNAMENT", _RECIPE, f"{PydanticObjectId()}", utc_now())
    assert await Generation.start(generation)
    return generation


@pytest.fixture
def read_once() -> None:
    """Have what is shown be read once, as users have it: for tests that count in a way of their own."""
