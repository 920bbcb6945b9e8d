from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from beanie import PydanticObjectId
from strawberry.types.execution import PreExecutionError

from app.accounts.service import Viewer
from app.accounts.sessions import Client
from app.api.context import Context
from app.api.schema import show_result
from app.database.clock import DatabaseClock
from app.database.document import utc_now
from app.generations.events import EventType, GenerationEvent
from app.generations.inprocess import InProcessHub
from app.generations.model import Generation
from tests.api.both import schema
from tests.api.conftest import Commands, stored

_EVENTS = """subscription ($since: DateTime) { viewerEvents(since: $since) { sequence type attempt percent
  generation { id status createdAt recipe { prompts } attempts { number } retryOf { id } } preview { id } } }"""


def _context(owner_id: PydanticObjectId, hub: InProcessHub) -> Context:
    services: Any = SimpleNamespace(generations=SimpleNamespace(hub=hub, clock=DatabaseClock()))
    return Context(
        services=services,
        request_id="r",
        base_url="http://regen.test",
        client=Client(None, None),
        show_result=show_result,
        viewer=Viewer(owner_id, PydanticObjectId(), utc_now() + timedelta(hours=1)),
    )


async def _subscribed(owner_id: PydanticObjectId, hub: InProcessHub, since: str | None = None) -> AsyncGenerator[Any]:
    results = await schema.subscribe(_EVENTS, {"since": since}, context_value=_context(owner_id, hub))
    assert not isinstance(results, PreExecutionError)
    return cast("AsyncGenerator[Any]", results)


async def test_snapshots_are_read_together_with_their_generations(commands: Commands) -> None:
    owner = PydanticObjectId()
    waiting = [await stored(owner) for _ in range(3)]
    await stored(PydanticObjectId())
    commands.sent.clear()
    async with aclosing(await _subscribed(owner, InProcessHub())) as results:
        events = [(await anext(results)).data["viewerEvents"] for _ in waiting]
    assert commands.sent == ["find", "find"]  # what changed just now, and what is shown: not one each
    assert [(event["type"], event["sequence"]) for event in events] == [("SNAPSHOT", 1)] * 3
    assert {event["generation"]["status"] for event in events} == {"QUEUED"}


async def test_missed_event_is_read_and_shown(commands: Commands) -> None:
    del commands
    owner, hub = PydanticObjectId(), InProcessHub()
    first = await stored(owner)
    async with aclosing(await _subscribed(owner, hub)) as results:
        await anext(results)
        event = GenerationEvent(sequence=2, type=EventType.STARTED, at=utc_now(), attempt=1)
        change = {"$push": {"events": event.model_dump(by_alias=True)}, "$set": {"lastSequence": 2}}
        await Generation.rows().update_one({"_id": first.identity}, change)
        hub.followers.miss_all()
        shown = (await anext(results)).data["viewerEvents"]
    assert (shown["type"], shown["sequence"], shown["generation"]["status"]) == ("STARTED", 2, "QUEUED")


async def test_live_event_shows_the_generation_as_it_stands(commands: Commands) -> None:
    owner, hub = PydanticObjectId(), InProcessHub()
    first = await stored(owner)
    commands.sent.clear()
    async with aclosing(await _subscribed(owner, hub)) as results:
        await anext(results)
        event = GenerationEvent(sequence=2, type=EventType.STARTED, at=utc_now(), attempt=1)
        await hub.publish(owner, first.identity, event)
        shown = (await anext(results)).data["viewerEvents"]
    assert (shown["type"], shown["sequence"], shown["attempt"]) == ("STARTED", 2, 1)
    assert shown["generation"]["id"]
    assert commands.sent == ["find", "find", "find"]
    assert hub.followers.count == 0


async def _refusal(since: str) -> Any:
    async with aclosing(await _subscribed(PydanticObjectId(), InProcessHub(), since)) as results:
        (error,) = (await anext(results)).errors
    return error.extensions["code"], error.extensions["argument"]


async def test_since_is_a_moment_of_the_last_seven_days() -> None:
    now = utc_now()
    for wrong in (now + timedelta(minutes=2), now - timedelta(days=8), now.replace(tzinfo=None)):
        assert await _refusal(wrong.isoformat()) == ("BAD_USER_INPUT", "since")
