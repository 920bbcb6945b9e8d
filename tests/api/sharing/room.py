"""One generation, whose events are made to happen, and those who follow it through the whole edge, in this process."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, override

from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from starlette.types import ASGIApp, Message, Scope

from app.access import Role
from app.accounts.tokens import TokenSigner
from app.api.ids import GENERATION, global_id
from app.api.sharing.groups import Group, Groups
from app.api.sharing.groups import Member as Sharer
from app.api.sharing.keys import Key
from app.api.sharing.outlets import Outlet
from app.api.streams import Streams
from app.bootstrap.parts import Parts
from app.database.document import utc_now
from app.generations.events import EventType, GenerationEvent
from app.generations.followers import News
from app.generations.model import Generation
from app.main import build
from app.projects.model import Member, Project
from tests.api.conftest import stored
from tests.api.shop import opened_parts
from tests.api.test_streams import Caller

PROGRESS = """subscription Progress($id: ID!, $after: Int) { generationProgress(id: $id, after: $after) {
  generationId sequence type at attempt status stage percent } }"""
WITH_GENERATION = """subscription Progress($id: ID!, $after: Int) { generationProgress(id: $id, after: $after) {
  sequence type generation { id status } } }"""
EVERYTHING = "subscription ($since: DateTime) { viewerEvents(since: $since) { generationId sequence type } }"
ENOUGH_S = 30
_SECRET = "s" * 40
_HEADERS = ((b"host", b"regen.test"), (b"sec-websocket-protocol", b"graphql-transport-ws"))


async def _ping() -> bool:
    return True


@dataclass(slots=True)
class Counted(Groups):
    """Groups whose executions are counted, by the number of the event."""

    executed: list[int] = field(default_factory=list[int])

    @override
    def joined(
        self, key: Key, make: Callable[[], Group], outlet: Outlet, viewer_id: PydanticObjectId
    ) -> AbstractAsyncContextManager[Sharer]:
        return Groups.joined(self, key, lambda: self._counted(make()), outlet, viewer_id)

    def _counted(self, group: Group) -> Group:
        execute = group.execute

        async def counted(news: News) -> str | None:
            self.executed.append(news.event.sequence)
            return await execute(news)

        group.execute = counted
        return group


@dataclass(eq=False)
class Subscriber:
    """One socket, in the place of uvicorn: what is sent to it is taken only while it reads."""

    application: ASGIApp
    scope: Scope
    texts: list[str] = field(default_factory=list[str])
    closed: int | None = None
    _inbox: asyncio.Queue[Message] = field(default_factory=asyncio.Queue[Message])
    _reads: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self) -> None:
        await self.application(self.scope, self._inbox.get, self._send)

    async def _send(self, message: Message) -> None:
        await self._reads.wait()
        async with self._news:
            if message["type"] == "websocket.send":
                self.texts.append(message["text"])
            elif message["type"] == "websocket.close":
                self.closed = message["code"]
            self._news.notify_all()

    def say(self, message: dict[str, Any]) -> None:
        """Send a message to the server."""
        self._inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def connect(self, token: str) -> None:
        """Open the socket, and read."""
        self.read()
        self._inbox.put_nowait({"type": "websocket.connect"})
        self.say({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})

    def subscribe(self, query: str, variables: dict[str, Any], identity: str = "1") -> None:
        self.say({"id": identity, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    def complete(self, identity: str = "1") -> None:
        self.say({"id": identity, "type": "complete"})

    def leave(self) -> None:
        """Close the socket."""
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})

    def read(self) -> None:
        self._reads.set()

    def stop_reading(self) -> None:
        self._reads.clear()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Those of operations."""
        return [one for one in map(json.loads, self.texts) if "id" in one]

    @property
    def sequences(self) -> list[int]:
        """The numbers of the events that came."""
        data = [one["payload"]["data"] for one in self.messages if one["type"] == "next"]
        return [event["sequence"] for one in data if one for event in one.values()]

    @property
    def is_complete(self) -> bool:
        return any(one["type"] == "complete" for one in self.messages)

    async def until(self, condition: Any) -> None:
        """Return when that holds, which only what is sent changes."""
        async with asyncio.timeout(ENOUGH_S), self._news:
            await self._news.wait_for(condition)

    async def shows(self, *sequences: int) -> None:
        """Return when exactly those have come, or more."""
        await self.until(lambda: len(self.sequences) >= len(sequences))
        assert self.sequences == list(sequences)


@dataclass
class Room:
    """A server without sockets; what happens is written, and told, as the engine does it.

    `said` is what each event says besides its number.
    """

    parts: Parts
    owner_id: PydanticObjectId
    generation: Generation
    tasks: asyncio.TaskGroup
    groups: Counted
    shared: ASGIApp
    alone: ASGIApp
    sequence: int = 1
    said: str = ""
    subscribers: list[Subscriber] = field(default_factory=list[Subscriber])

    @property
    def id(self) -> str:
        return global_id(GENERATION, self.generation.identity)

    @property
    def sizes(self) -> list[int]:
        """Of the groups."""
        return sorted(self.groups.sizes)

    def token(self, user_id: PydanticObjectId | None = None, lifetime: timedelta = timedelta(minutes=15)) -> str:
        signer = TokenSigner(_SECRET.encode(), lifetime=lifetime)
        return signer.issue(user_id or self.owner_id, PydanticObjectId())[0]

    def subscriber(self, token: str | None = None, host: str = "regen.test", *, alone: bool = False) -> Subscriber:
        """A socket that has said hello; `alone`: to a server where no subscription shares anything."""
        headers = [(b"host", host.encode()), *_HEADERS[1:]]
        scope = {"type": "websocket", "path": "/graphql", "query_string": b"", "headers": headers, "scheme": "ws"}
        scope |= {"server": (host, 80), "client": ("127.0.0.1", 9), "subprotocols": ["graphql-transport-ws"]}
        subscriber = Subscriber(self.alone if alone else self.shared, scope)
        self.subscribers.append(subscriber)
        self.tasks.create_task(subscriber.run())
        subscriber.connect(token or self.token())
        return subscriber

    async def followed(self, after: int = 0, query: str = PROGRESS, **given: Any) -> Subscriber:
        """A socket that follows the generation and is level: its task waits for more."""
        subscriber = self.subscriber(**given)
        subscriber.subscribe(query, {"id": self.id, "after": after})
        await subscriber.shows(*range(after + 1, self.sequence + 1))
        await self.quiet()
        return subscriber

    async def quiet(self) -> None:
        """Return when everybody has dealt with what there is."""
        async with asyncio.timeout(ENOUGH_S):
            while not self.parts.hub.followers.idle:  # noqa: ASYNC110 - a follower has no event for it
                await asyncio.sleep(0)

    async def write(self, type: EventType = EventType.STAGE) -> GenerationEvent:
        """Let something happen of which nobody is told."""
        (event,) = await self._written([type])
        return event

    async def _written(self, types: list[EventType]) -> list[GenerationEvent]:
        first, self.sequence = self.sequence + 1, self.sequence + len(types)
        events = [
            GenerationEvent(sequence=number, type=kind, at=utc_now(), stage=f"stage {number}{self.said}")
            for number, kind in enumerate(types, first)
        ]
        pushed = {"events": {"$each": [one.model_dump(by_alias=True) for one in events]}}
        change = {"$push": pushed, "$set": {"lastSequence": self.sequence}}
        await Generation.rows().update_one({"_id": self.generation.identity}, change)
        return events

    async def tell(self, event: GenerationEvent) -> None:
        await self.parts.hub.publish(self.owner_id, self.generation.identity, event)

    async def happens(self, type: EventType = EventType.STAGE) -> None:
        """Let something happen, and tell."""
        await self.tell(await self.write(type))

    async def many_happen(self, count: int) -> AsyncGenerator[GenerationEvent]:
        """The same for many, which are written together and told one by one."""
        for event in await self._written([EventType.STAGE] * count):
            await self.tell(event)
            yield event

    async def with_member(self) -> PydanticObjectId:
        """Somebody else who may see the generation, which is of a project from now on."""
        member, now = Member(user_id=PydanticObjectId(), role=Role.VIEWER, joined_at=utc_now()), utc_now()
        asked: dict[str, Any] = {"idempotency_key": f"{PydanticObjectId()}", "asked": ""}
        whole: dict[str, Any] = {"members": (member,), "created_at": now, "changed_at": now, **asked}
        project = Project(owner_id=self.owner_id, name="A film", **whole)
        await project.insert()
        change = {"$set": {"projectId": project.identity}}
        await Generation.rows().update_one({"_id": self.generation.identity}, change)
        return member.user_id

    async def without_members(self) -> None:
        """Remove all of them."""
        await Project.rows().update_many({"ownerId": self.owner_id}, {"$set": {"members": []}})

    def stream(self, accept: str) -> Caller:
        """A request that follows the generation over HTTP."""
        headers = {"host": "regen.test", "accept": accept, "content-type": "application/json"}
        headers["authorization"] = f"Bearer {self.token()}"
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": raw}
        scope |= {"scheme": "http", "server": ("regen.test", 80), "client": ("127.0.0.1", 9)}
        body = {"query": PROGRESS, "variables": {"id": self.id, "after": 0}}
        return Caller(self.shared, scope, json.dumps(body).encode())

    async def renew(self) -> None:
        """Have another generation in the place of this one; nobody follows any more."""
        for one in self.subscribers:
            one.read()
            one.leave()
        await self.empty()
        self.subscribers.clear()
        self.generation, self.sequence = await stored(self.owner_id), 1
        self.groups.executed.clear()

    async def empty(self) -> None:
        """Return when nothing is left of those who followed."""
        async with asyncio.timeout(ENOUGH_S):
            while self.parts.hub.followers.count or self.sizes:  # noqa: ASYNC110 - neither tells
                await asyncio.sleep(0)


@asynccontextmanager
async def opened_room(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, folder: Path, **more: Any
) -> AsyncGenerator[Room]:
    """Where one generation waits, and nobody follows it yet; at the exit everybody leaves."""
    given = {
        "jwt_secret": _SECRET,
        "allowed_hosts": ("regen.test", "other.test"),
        "sockets_per_user": 0,
        "cost_per_minute": 0,
        **more,
    }
    async with opened_parts(database, mongodb_url, folder, **given) as parts, asyncio.TaskGroup() as tasks:
        owner_id, groups = PydanticObjectId(), Counted()

        def application(groups: Groups | None) -> ASGIApp:
            return build(replace(parts, edge=replace(parts.edge, groups=groups)), _ping, streams=Streams())

        generation = await stored(owner_id)
        room = Room(parts, owner_id, generation, tasks, groups, application(groups), application(None))
        yield room
        for one in room.subscribers:
            one.read()
            one.leave()
