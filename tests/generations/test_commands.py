"""What a generation asks of the database: a command more is a decision, to be seen where it is reviewed."""

from collections.abc import AsyncIterator
from typing import Any, override

import pytest
from beanie import PydanticObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.generations.lanes import Lane
from app.generations.model import Generation, Status
from app.generations.slots import ProviderSlots
from app.generations.work import CalledModel, StepResult, Work
from tests.generations.conftest import MakeEngine, stored
from tests.indexed import point_at

_MODEL = CalledModel("painter", "painter-1", billable=True)
_START = ["findAndModify lanes", "insert generations"]
_RUN = [
    "findAndModify generations",  # the claim
    "findAndModify generations",  # a stage: preparing
    "findAndModify provider_slots",
    "findAndModify generations",  # a stage, with the call's entry: asking
    "findAndModify generations",  # a stage: reading
    "update provider_slots",
    "findAndModify generations",  # a stage, with the call's end: storing
    "findAndModify generations",  # the end, with the step's result
    "update generations",  # the result is written
    "findAndModify lanes",
]


class _Commands(CommandListener):
    """What was sent, in order: the command and its collection."""

    def __init__(self) -> None:
        self._sent: list[str] = []

    def take(self) -> list[str]:
        sent, self._sent = self._sent, []
        return sent

    @override
    def started(self, event: CommandStartedEvent) -> None:
        self._sent.append(f"{event.command_name} {event.command.get(event.command_name)}")

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    @override
    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture
async def commands(
    make_engine: MakeEngine, mongodb_url: str, database: AsyncDatabase[dict[str, Any]]
) -> AsyncIterator[_Commands]:
    """Everything that the engines of this test send."""
    del make_engine  # it has made the indexes
    listener = _Commands()
    async with AsyncMongoClient[dict[str, Any]](mongodb_url, event_listeners=[listener]) as client:
        documents = [Generation, Lane, ProviderSlots]
        await point_at(client[database.name], documents)
        yield listener


async def _like_an_ornament(work: Work) -> None:
    async def picture() -> StepResult:
        await work.stage("preparing", 5)
        async with work.call(_MODEL):
            await work.stage("asking", 18)
            await work.stage("reading", 86)
        await work.stage("storing", 90)
        picture_id = PydanticObjectId()
        return StepResult({"pictureId": picture_id}, (picture_id,))

    await work.step("picture", picture, is_last=True)


async def test_generation_takes_two_commands_to_start_and_ten_to_run(
    make_engine: MakeEngine, commands: _Commands
) -> None:
    engine, owner_id = make_engine(_like_an_ornament, calls_at_once={"painter": 8}), PydanticObjectId()
    await engine.runner.run((await engine.start()).identity)  # what only a new database sees
    commands.take()
    generation = await engine.start(owner_id, "key")
    assert commands.take() == _START
    await engine.runner.run(generation.identity)
    assert commands.take() == _RUN
    assert (await stored(generation)).status is Status.SUCCEEDED
