"""The way from one process to MongoDB, where a chosen command or its reply can be held, dropped and counted."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.faults.commands import Command, Message, Predicate, read_message
from tests.faults.gate import Gate, Link, first_of

_DEFAULT_PORT = 27017
_CAUGHT_S = 30.0


@dataclass(eq=False)
class Hold:
    """Waits for the first command that matches; `held` is set once it, or its reply, is stopped at the gate."""

    predicate: Predicate
    held: asyncio.Event = field(default_factory=asyncio.Event)
    command: Command | None = None
    _passes: asyncio.Future[bool] = field(default_factory=asyncio.Future[bool])

    async def caught(self, within_s: float = _CAUGHT_S) -> Command:
        """Wait until it has stopped something.

        Raises:
            AssertionError: nothing that matches came in time.
        """
        try:
            async with asyncio.timeout(within_s):
                await self.held.wait()
        except TimeoutError:
            message = f"nothing that matches came to the gate within {within_s:g} s"
            raise AssertionError(message) from None
        assert self.command is not None
        return self.command

    def release(self) -> None:
        """Let it through, now or as soon as it comes: even when who sent it has been killed since."""
        self._decide(passes=True)

    def drop(self) -> None:
        """Close its connection: what is held never arrives."""
        self._decide(passes=False)

    async def passes(self) -> bool:
        """Stop here until it is decided."""
        self.held.set()
        return await self._passes

    def _decide(self, *, passes: bool) -> None:
        if not self._passes.done():
            self._passes.set_result(passes)


@dataclass(eq=False)
class _Talk:
    """What is under way on one connection: requests without a reply, and the replies to hold."""

    unanswered: set[int] = field(default_factory=set[int])
    holds: dict[int, Hold] = field(default_factory=dict[int, Hold])
    answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Tollgate(Gate):
    """One process's way to MongoDB. `commands` counts what was forwarded, by name and collection."""

    commands: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]], init=False)
    _holds: list[Hold] = field(default_factory=list[Hold], init=False)
    _reply_holds: list[Hold] = field(default_factory=list[Hold], init=False)

    def hold(self, predicate: Predicate) -> Hold:
        """Stop the first request that matches before it reaches the database; later ones pass."""
        hold = Hold(predicate)
        self._holds.append(hold)
        return hold

    def hold_reply(self, predicate: Predicate) -> Hold:
        """Let the first request that matches through, and stop its reply: it happened, the writer doesn't know."""
        hold = Hold(predicate)
        self._reply_holds.append(hold)
        return hold

    def through(self, url: str, **more: str) -> str:
        """`url` of the same server, by way of this gate; `more` are options of the URL."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        options = dict(parse_qsl(parts.query))
        options.pop("replicaSet", None)
        query = urlencode({**options, "directConnection": "true", **more})
        return parts._replace(
            netloc=f"{user}{at}127.0.0.1:{self.own_port}", path=parts.path or "/", query=query
        ).geturl()

    async def converse(self, link: Link) -> None:
        """Requests and replies, each in its order."""
        talk = _Talk()
        await first_of(self._pass_requests(link, talk), self._pass_replies(link, talk))

    async def _pass_requests(self, link: Link, talk: _Talk) -> None:
        """Each until the client closes; then wait for the replies to come: closing could undo what was forwarded."""
        try:
            while await self._pass_request(link, talk, await read_message(link.client.reader)):
                pass
        except (EOFError, ConnectionError):
            while talk.unanswered:
                talk.answered.clear()
                await talk.answered.wait()

    async def _pass_request(self, link: Link, talk: _Talk, request: Message) -> bool:
        """False when it was dropped."""
        command = request.command
        if command is not None and (hold := _taken(self._holds, command)) and not await hold.passes():
            return False
        await self.thawed()
        if command is not None:
            self.commands[command.name, command.collection] += 1
            if (reply_hold := _taken(self._reply_holds, command)) is not None:
                talk.holds[request.request_id] = reply_hold
        if request.answered:
            talk.unanswered.add(request.request_id)
        await link.server.send(request.raw)
        return True

    async def _pass_replies(self, link: Link, talk: _Talk) -> None:
        while True:
            reply = await read_message(link.server.reader)
            talk.unanswered.discard(reply.response_to)
            talk.answered.set()
            hold = talk.holds.pop(reply.response_to, None)
            if hold is not None and not await hold.passes():
                return
            await self.thawed()
            await link.client.send(reply.raw)


def _taken(holds: list[Hold], command: Command) -> Hold | None:
    """The first of them that waits for this command, which then waits for no other."""
    for hold in holds:
        if hold.predicate(command):
            holds.remove(hold)
            hold.command = command
            return hold
    return None


@asynccontextmanager
async def tollgate_before(url: str) -> AsyncGenerator[Tollgate]:
    """A gate before the MongoDB of `url`: one host, no TLS."""
    parts = urlsplit(url)
    async with Tollgate(parts.hostname or "127.0.0.1", parts.port or _DEFAULT_PORT).opened() as gate:
        yield gate
