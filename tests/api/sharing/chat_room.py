"""A chat of a project with people in it, who follow it through the whole edge, in this process."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, override

from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from starlette.types import ASGIApp

from app.access import Role
from app.accounts.tokens import TokenSigner
from app.api.ids import global_id
from app.api.sharing.circles import Circles
from app.api.sharing.groups import Groups
from app.api.streams import Streams
from app.bootstrap.parts import Parts
from app.chats.exchange import Exchange
from app.chats.model import Chat
from app.chats.sending import Caller as Sender
from app.chats.sending import Draft
from app.database.document import utc_now
from app.generations.events import EventType, GenerationEvent
from app.generations.model import Generation
from app.main import build
from app.projects.hints import wake
from app.projects.model import Project
from tests.api.sharing.room import ENOUGH_S, Subscriber
from tests.api.shop import Shop, opened_parts
from tests.api.test_streams import Caller
from tests.chats.studio import PROMPT, chat_in, project_of

PLAIN = """subscription ($id: ID!, $since: DateTime) { chatEvents(chatId: $id, since: $since) {
  type at chat { id kind } userMessage { id text prompt role } assistantMessage { id status text imageCount
    images { index status } } event { generationId sequence type at status stage percent text } } }"""
WITH_IMAGES = """subscription ($id: ID!, $since: DateTime) { chatEvents(chatId: $id, since: $since) {
  type at assistantMessage { id images { index status image { id } } branchCount }
  event { sequence type generation { id status } } } }"""
_SECRET = "s" * 40
_HEADERS = ((b"host", b"regen.test"), (b"sec-websocket-protocol", b"graphql-transport-ws"))


async def _ping() -> bool:
    return True


@dataclass(slots=True)
class CountedCircles(Circles):
    """Circles whose executions are counted."""

    executed: list[Any] = field(default_factory=list[Any])

    @override
    def joined(self, key: Any, make: Any, outlet: Any, viewer_id: Any) -> Any:
        return Circles.joined(self, key, lambda: self._counted(make()), outlet, viewer_id)

    def _counted(self, circle: Any) -> Any:
        execute = circle.execute

        async def counted(told: Any) -> str | None:
            self.executed.append(told)
            payload: str | None = await execute(told)
            return payload

        circle.execute = counted
        return circle


def _without_own_moment(one: Subscriber) -> list[str]:
    told = [each["payload"]["data"].get("chatEvents") for each in one.messages if each["type"] == "next"]
    own = [each["at"] for each in told if each and each["type"] == "SNAPSHOT" and not each["event"]]
    return [text.replace(own[0], "") if own else text for text in one.texts]


@dataclass
class Pair:
    """Two who do the same at the same time, one where executions are shared and one where none is."""

    sharing: Subscriber
    alone: Subscriber

    @property
    def both(self) -> tuple[Subscriber, Subscriber]:
        return self.sharing, self.alone

    def read(self) -> None:
        for one in self.both:
            one.read()

    def stop_reading(self) -> None:
        for one in self.both:
            one.stop_reading()

    def check(self) -> None:
        """Both were sent the same, to the letter; the moment of its own that each has is when it became level."""
        sharing, alone = (_without_own_moment(one) for one in self.both)
        for shared, own in zip(sharing, alone, strict=True):
            assert shared == own

    def told(self) -> list[Any]:
        """What was told, without its moments."""
        data = [one["payload"]["data"] for one in self.sharing.messages if one["type"] == "next"]
        return [one for each in data if each for one in each.values()]


@dataclass
class ChatRoom:
    """A server without sockets; what happens is written, and told, step by step."""

    parts: Parts
    tasks: asyncio.TaskGroup
    owner_id: PydanticObjectId
    member_ids: tuple[PydanticObjectId, ...]
    project: Project
    chat: Chat
    circles: CountedCircles
    shared: ASGIApp
    alone: ASGIApp
    subscribers: list[Subscriber] = field(default_factory=list[Subscriber])

    @property
    def chat_id(self) -> str:
        return global_id("Chat", self.chat.identity)

    def token(self, user_id: PydanticObjectId | None = None, lifetime: timedelta = timedelta(minutes=15)) -> str:
        signer = TokenSigner(_SECRET.encode(), lifetime=lifetime)
        return signer.issue(user_id or self.owner_id, PydanticObjectId())[0]

    def subscriber(self, token: str, *, alone: bool) -> Subscriber:
        scope = {"type": "websocket", "path": "/graphql", "query_string": b"", "headers": list(_HEADERS)}
        scope |= {"scheme": "ws", "server": ("regen.test", 80), "client": ("127.0.0.1", 9)}
        scope |= {"subprotocols": ["graphql-transport-ws"]}
        one = Subscriber(self.alone if alone else self.shared, scope)
        self.subscribers.append(one)
        self.tasks.create_task(one.run())
        one.connect(token)
        return one

    def subscribed(self, query: str, variables: dict[str, Any], token: str | None = None) -> Pair:
        """Two who follow something."""
        given = token or self.token()
        pair = Pair(self.subscriber(given, alone=False), self.subscriber(given, alone=True))
        for one in pair.both:
            one.subscribe(query, variables)
        return pair

    async def followed(self, query: str = PLAIN, since: str | None = None, token: str | None = None) -> Pair:
        """Two who follow the chat, and are level."""
        before = self.parts.hub.followers.count
        pair = self.subscribed(query, {"id": self.chat_id, "since": since}, token)
        async with asyncio.timeout(ENOUGH_S):
            while self.parts.hub.followers.count < before + 2:  # noqa: ASYNC110 - a follower has no event for it
                await asyncio.sleep(0)
        await self.quiet()
        return pair

    def stream(self, accept: str) -> Caller:
        """A request that follows the chat over HTTP, where executions are shared."""
        headers = {"host": "regen.test", "accept": accept, "content-type": "application/json"}
        headers["authorization"] = f"Bearer {self.token()}"
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": raw}
        scope |= {"scheme": "http", "server": ("regen.test", 80), "client": ("127.0.0.1", 9)}
        body = {"query": PLAIN, "variables": {"id": self.chat_id, "since": None}}
        return Caller(self.shared, scope, json.dumps(body).encode())

    async def quiet(self) -> None:
        """Return when everybody has dealt with what there is."""
        async with asyncio.timeout(ENOUGH_S):
            while not self.parts.hub.followers.idle:  # noqa: ASYNC110 - a follower has no event for it
                await asyncio.sleep(0)

    async def sent(self) -> Generation:
        """A message, whose answer is not begun."""
        exchange = (
            await self.parts.services.chats.send(Sender(self.owner_id), self.chat.identity, Draft(PROMPT))
        ).exchange
        assert exchange.generation_id is not None
        made = (await Generation.without_events([exchange.generation_id]))[exchange.generation_id]
        await self.quiet()
        return made

    async def write(self, generation: Generation, type: EventType = EventType.STAGE) -> GenerationEvent:
        """Let something happen of which nobody is told."""
        generation.last_sequence += 1
        number = generation.last_sequence
        text = f"text {number}" if type is EventType.TEXT else None
        event = GenerationEvent(sequence=number, type=type, at=utc_now(), stage=f"stage {number}", text=text)
        change = {"$push": {"events": event.model_dump(by_alias=True)}, "$set": {"lastSequence": number}}
        await Generation.rows().update_one({"_id": generation.identity}, change)
        return event

    async def tell(self, generation: Generation, event: GenerationEvent) -> None:
        await self.parts.hub.publish(self.owner_id, generation.identity, event)

    async def happens(self, generation: Generation, type: EventType = EventType.STAGE) -> None:
        """Let something happen, and tell."""
        await self.tell(generation, await self.write(generation, type))

    async def changed(self, generation: Generation) -> None:
        """The message is another; only a look shows it."""
        change = {"$inc": {"revision": 1}, "$set": {"changedAt": utc_now()}}
        await Exchange.rows().update_one({"_id": generation.recipe.parent_id}, change)

    async def looked_at(self) -> None:
        """Let everybody look at the chat."""
        await wake(self.parts.hub, self.owner_id, [self.chat.identity])

    async def without(self, user_id: PydanticObjectId) -> None:
        """Remove a member, as it is done."""
        change = {"$pull": {"members": {"userId": user_id}}}
        await Project.rows().update_one({"_id": self.project.identity}, change)
        await wake(self.parts.hub, self.owner_id, [self.project.identity])


@asynccontextmanager
async def opened_chat_room(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, folder: Path
) -> AsyncGenerator[ChatRoom]:
    """Where nobody follows the chat yet; at the exit everybody leaves."""
    given: dict[str, Any] = {"jwt_secret": _SECRET, "allowed_hosts": ("regen.test",), "sockets_per_user": 0}
    given |= {"cost_per_minute": 0}
    async with opened_parts(database, mongodb_url, folder, **given) as parts, asyncio.TaskGroup() as tasks:
        nobody = Shop(parts.services)
        owner, *members = [await nobody.joined() for _ in range(3)]
        ids = tuple(one.owner_id for one in members)
        project = project_of(owner.owner_id, **dict(zip((Role.EDITOR.lower(), Role.VIEWER.lower()), ids, strict=True)))
        await project.insert()
        chat = chat_in(project)
        await chat.insert()
        circles = CountedCircles()

        def application(groups: Groups | None) -> ASGIApp:
            return build(replace(parts, edge=replace(parts.edge, groups=groups)), _ping, streams=Streams())

        shared, alone = application(Groups(circles)), application(None)
        room = ChatRoom(parts, tasks, owner.owner_id, ids, project, chat, circles, shared, alone)
        yield room
        for one in room.subscribers:
            one.read()
            one.leave()
