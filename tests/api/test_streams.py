"""Streams over HTTP: who asks for one gets one, and it ends with its client, its token, its account, its server."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, override

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from starlette.types import ASGIApp, Message, Scope
from strawberry.http.streaming import HTTPStreamTransport
from structlog.testing import capture_logs

from app.accounts.sessions import Client
from app.accounts.tokens import TokenSigner
from app.api.context import Context
from app.api.schema import show_result
from app.api.stream_formats import EventStream, MultipartStream
from app.api.streams import StreamResponse, Streams
from app.bootstrap.parts import Parts
from app.database.document import utc_now
from app.main import build
from tests.api.conftest import stored
from tests.api.shop import opened_parts

_SECRET = "s" * 40
_SSE = "text/event-stream"
_APOLLO = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
_EVENTS = "subscription { viewerEvents { type } }"
_ENOUGH_S = 30


async def _ping() -> bool:
    return True


@dataclass
class Caller:
    """One request to the application, and what comes of it."""

    application: ASGIApp
    scope: Scope
    body: bytes
    messages: list[Message] = field(default_factory=list[Message])
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: bool = False

    async def run(self) -> None:
        await self.application(self.scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        async with self._news:
            self.messages.append(message)
            self._news.notify_all()

    def leave(self) -> None:
        """Cut the connection."""
        self._gone.set()

    @property
    def text(self) -> str:
        """What came so far."""
        return b"".join(message.get("body", b"") for message in self.messages).decode()

    @property
    def status(self) -> int:
        status: int = self.messages[0]["status"]
        return status

    @property
    def whole(self) -> bool:
        """Whether the answer was ended as HTTP wants it."""
        return not self.messages[-1].get("more_body", True)

    async def shows(self, text: str, times: int = 1) -> None:
        """Return when that has come that often."""
        async with self._news:
            await self._news.wait_for(lambda: self.text.count(text) >= times)


@dataclass
class House:
    """An application, its open streams, and Ada, of whom one generation waits."""

    parts: Parts
    ada: PydanticObjectId
    streams: Streams = field(default_factory=Streams)
    lifetime: timedelta = timedelta(minutes=15)

    def caller(self, accept: str, query: str = _EVENTS, **scope: Any) -> Caller:
        token, _ = TokenSigner(_SECRET.encode(), lifetime=self.lifetime).issue(self.ada, PydanticObjectId())
        headers = {"host": "regen.test", "accept": accept, "content-type": "application/json"}
        headers["authorization"] = f"Bearer {token}"
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        of_request = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": raw}
        whole = {**of_request, "scheme": "http", "server": ("regen.test", 80), "client": ("127.0.0.1", 9), **scope}
        application = build(self.parts, _ping, streams=self.streams)
        return Caller(application, whole, json.dumps({"query": query}).encode())

    async def answered(self, accept: str, query: str = _EVENTS, **scope: Any) -> Caller:
        """After the end of an answer that ends by itself."""
        caller = self.caller(accept, query, **scope)
        async with asyncio.timeout(_ENOUGH_S):
            await caller.run()
        return caller

    async def opened(self, stack: AsyncExitStack, accept: str) -> tuple[Caller, asyncio.Task[None]]:
        """A stream that has brought its first event."""
        await stack.enter_async_context(asyncio.timeout(_ENOUGH_S))
        caller = self.caller(accept)
        answering = asyncio.create_task(caller.run())
        await caller.shows("SNAPSHOT")
        assert (self.streams.count, self.parts.hub.followers.count) == (1, 1)
        return caller, answering

    def is_quiet(self) -> bool:
        """Whether nobody follows anything, and no stream is open."""
        return (self.streams.count, self.parts.hub.followers.count) == (0, 0)


@pytest.fixture
async def house(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[House]:
    more = {"jwt_secret": _SECRET, "allowed_hosts": ("regen.test",)}
    async with opened_parts(database, mongodb_url, tmp_path, **more) as parts:
        ada = PydanticObjectId()
        await stored(ada)
        yield House(parts, ada)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.mark.parametrize("accept", [_SSE, _APOLLO])
async def test_client_that_goes_away_leaves_no_follower(house: House, stack: AsyncExitStack, accept: str) -> None:
    caller, answering = await house.opened(stack, accept)
    caller.leave()
    await answering
    assert house.is_quiet()


@pytest.mark.parametrize("accept", [_SSE, _APOLLO])
async def test_stream_ends_with_its_token_and_says_so(house: House, stack: AsyncExitStack, accept: str) -> None:
    house.lifetime = timedelta(seconds=2)
    caller, answering = await house.opened(stack, accept)
    await answering
    assert house.is_quiet()
    assert caller.whole
    assert '"code":"UNAUTHENTICATED"' in caller.text
    assert "Token expired" in caller.text
    if accept == _SSE:
        assert caller.text.endswith("\n\nevent: complete\ndata:\n\n")
    else:
        assert '{"payload":null,"errors":[{' in caller.text
        assert caller.text.endswith("\r\n--graphql--\r\n")


async def test_stream_ends_with_its_account(house: House, stack: AsyncExitStack) -> None:
    caller, answering = await house.opened(stack, _SSE)
    now = utc_now()
    house.parts.services.accounts.erasures.erased.learn({house.ada: now}, now - timedelta(minutes=1))
    await answering
    assert house.is_quiet()
    assert "This account does not exist any more." in caller.text


async def test_server_that_stops_ends_streams_without_saying_that_they_are_complete(
    house: House, stack: AsyncExitStack
) -> None:
    caller, answering = await house.opened(stack, _SSE)
    house.streams.cut()
    await answering
    assert house.is_quiet()
    assert caller.whole
    assert "complete" not in caller.text


async def test_hundred_and_first_stream_of_a_person_is_refused(house: House) -> None:
    with ExitStack() as others:
        for _ in range(100):
            others.enter_context(house.streams.joined(house.ada, lambda: None))
        refused = await house.answered(_SSE)
        assert refused.status == 429
        assert json.loads(refused.text)["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert house.streams.count == 0
    assert (await house.answered(_SSE, "{ __typename }")).status == 200


@pytest.mark.parametrize("accept", [_SSE, _APOLLO])
@pytest.mark.parametrize(
    ("query", "code"),
    [("subscription {", "BAD_USER_INPUT"), ("{ nothing }", "BAD_USER_INPUT"), ("", "BAD_USER_INPUT")],
)
async def test_operation_that_is_wrong_is_told_in_the_stream(house: House, accept: str, query: str, code: str) -> None:
    answer = await house.answered(accept, query)
    assert answer.status == 200
    assert f'"code":"{code}"' in answer.text
    assert '"requestId"' in answer.text
    assert '"data"' not in answer.text


class _Broken:
    """A service that fails in a way that nobody has foreseen."""

    def __getattr__(self, name: str) -> object:
        message = "the secret of the house"
        raise RuntimeError(message)


@pytest.mark.parametrize("accept", [_SSE, _APOLLO])
async def test_unexpected_failure_is_masked_in_a_stream(house: House, accept: str) -> None:
    broken: Any = _Broken()
    house.parts = replace(house.parts, services=replace(house.parts.services, generations=broken))
    with capture_logs() as logged:
        answer = await house.answered(accept)
    assert '"code":"INTERNAL"' in answer.text
    assert "secret" not in answer.text
    assert "resolver_crashed" in [entry["event"] for entry in logged]


async def test_operation_that_is_too_large_is_refused_in_a_stream(house: House) -> None:
    aliases = " ".join(f"a{number}: __typename" for number in range(60))
    assert "QUERY_TOO_COMPLEX" in (await house.answered(_SSE, f"{{ {aliases} }}")).text


async def test_mutation_does_not_come_by_get(house: House) -> None:
    query = b"query=mutation%20{%20logOut%20{%20errors%20{%20code%20}%20}%20}"
    answer = await house.answered(_SSE, method="GET", query_string=query)
    assert "Mutations come by POST." in answer.text


async def test_subscription_without_a_stream_is_told_how_to_get_one(house: House) -> None:
    answer = await house.answered("application/graphql-response+json, text/event-stream")
    assert answer.status == 400
    assert "text/event-stream" in json.loads(answer.text)["errors"][0]["message"]


def _context(parts: Parts) -> Context:
    return Context(parts.services, "r", "http://regen.test", Client(None, None), show_result)


@pytest.mark.parametrize(("transport", "beat"), [(EventStream(), ": ping\n\n"), (MultipartStream(), "\r\n\r\n{}")])
async def test_quiet_stream_is_kept_alive(house: House, transport: HTTPStreamTransport, beat: str) -> None:
    transport.heartbeat_interval = 0.01
    closed = asyncio.Event()

    async def silence() -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
            yield ""
        finally:
            closed.set()

    response = StreamResponse(silence(), transport, json.dumps, _context(house.parts), house.streams)
    caller = Caller(response, {"type": "http"}, b"")
    async with asyncio.timeout(_ENOUGH_S), asyncio.TaskGroup() as group:
        group.create_task(caller.run())
        await caller.shows(beat, times=4)
        caller.leave()
    assert closed.is_set()
    assert house.streams.count == 0


async def test_source_that_fails_ends_the_answer_unfinished(house: House) -> None:
    async def broken() -> AsyncGenerator[str]:
        yield "a"
        message = "the source is gone"
        raise RuntimeError(message)

    response = StreamResponse(broken(), EventStream(), json.dumps, _context(house.parts), house.streams)
    caller = Caller(response, {"type": "http"}, b"")
    with pytest.raises(RuntimeError):
        await caller.run()
    assert not caller.whole
    assert house.streams.count == 0


class _Stuck(Caller):
    """One that takes the first frame and reads no more."""

    @override
    async def _send(self, message: Message) -> None:
        await super()._send(message)
        if message.get("body") == b"frame":
            await asyncio.Event().wait()


async def test_client_that_reads_no_more_and_then_goes_leaves_nothing(house: House) -> None:
    closed = asyncio.Event()

    async def frames() -> AsyncGenerator[str]:
        try:
            while True:
                yield "frame"
        finally:
            closed.set()

    response = StreamResponse(frames(), EventStream(), json.dumps, _context(house.parts), house.streams)
    caller = _Stuck(response, {"type": "http"}, b"")
    async with asyncio.timeout(_ENOUGH_S), asyncio.TaskGroup() as group:
        answering = group.create_task(caller.run())
        await caller.shows("frame")
        caller.leave()
        await answering
        assert closed.is_set()
    assert house.streams.count == 0
