"""Clients that follow generations to their end, over any number of broken connections and refused subscriptions."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import WebSocketException

from tests.e2e.client import Client
from tests.faults.census import Census
from tests.faults.plant import document_id

_PROGRESS = """subscription ($id: ID!, $after: Int) {
  generationProgress(id: $id, after: $after) { sequence type generation { status } } }"""
_EVERYTHING = """subscription ($since: DateTime) {
  viewerEvents(since: $since) { sequence type at generation { id status } } }"""
_ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_AGAIN_S = 0.2
_WITHIN_S = 60.0


@dataclass(eq=False)
class Follower:
    """Follows one generation (its id in the database) and subscribes again with the last sequence it has seen.

    Give it another `client` and it goes on there. `errors` are the codes it was answered with on the way.
    """

    client: Client
    generation_id: str
    events: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    errors: list[str] = field(default_factory=list[str])
    connections: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def last(self) -> int:
        """The number of the last event it has seen."""
        return self.events[-1][0] if self.events else 0

    @property
    def types(self) -> list[str]:
        return [kind for _, kind in self.events]

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1][1] in _ENDED

    async def to_the_end(self) -> None:
        """Follow until the last event, over as many connections as it takes."""
        await self._one_connection()
        while not self.ended:
            await asyncio.sleep(_AGAIN_S)  # as a client does before it tries again
            await self._one_connection()

    async def until(self, condition: Callable[["Follower"], bool]) -> None:
        """Wait until it holds."""
        async with self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def _one_connection(self) -> None:
        identity = base64.b64encode(f"Generation:{self.generation_id}".encode()).decode()
        variables = {"id": identity, "after": self.last}
        with suppress(WebSocketException, OSError):
            async with self.client.socket() as socket:
                self.connections += 1
                payload = {"query": _PROGRESS, "variables": variables}
                await socket.send({"type": "subscribe", "id": "1", "payload": payload})
                while (message := await socket.receive())["type"] == "next":
                    if "errors" in message["payload"]:
                        break
                    await self._see(message["payload"]["data"]["generationProgress"])
                self.errors += codes_of(message)

    async def _see(self, event: Any) -> None:
        async with self._changed:
            self.events.append((event["sequence"], event["type"]))
            self._changed.notify_all()


@dataclass(eq=False)
class Onlooker:
    """Follows all that happens to a person's generations, and subscribes again since the last event it was told of.

    `known` are the last sequences by generation (ids in the database), `ended` those of which it knows the end;
    `missed` says where an event came whose forerunner never did.
    """

    client: Client
    known: dict[str, int] = field(default_factory=dict[str, int])
    ended: set[str] = field(default_factory=set[str])
    missed: list[str] = field(default_factory=list[str])
    since: str | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def look(self) -> None:
        """For ever."""
        while True:
            with suppress(WebSocketException, OSError):
                async with self.client.socket() as socket:
                    payload = {"query": _EVERYTHING, "variables": {"since": self.since}}
                    await socket.send({"type": "subscribe", "id": "1", "payload": payload})
                    while (message := await socket.receive())["type"] == "next" and "errors" not in message["payload"]:
                        await self._see(message["payload"]["data"]["viewerEvents"])
            await asyncio.sleep(_AGAIN_S)  # as a client does before it tries again

    async def until(self, condition: Callable[["Onlooker"], bool], within_s: float = _WITHIN_S) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def _see(self, event: Any) -> None:
        async with self._changed:
            which, known = document_id(event["generation"]["id"]), event["sequence"]
            before = self.known.get(which, 0)
            if known > before + 1 and event["type"] != "SNAPSHOT":
                self.missed.append(f"{which}: {known} {event['type']} after {before}")
            self.known[which] = max(before, known)
            self.since = event["at"]
            if event["type"] in _ENDED or (event["type"] == "SNAPSHOT" and event["generation"]["status"] in _ENDED):
                self.ended.add(which)
            self._changed.notify_all()


@asynccontextmanager
async def looking_on(client: Client) -> AsyncGenerator[Onlooker]:
    """While entered, one onlooker."""
    onlooker = Onlooker(client)
    task = asyncio.create_task(onlooker.look())
    try:
        yield onlooker
    finally:
        task.cancel()
        await asyncio.wait([task])


def codes_of(message: Any) -> list[str]:
    """The codes of the errors in a message of a subscription; none when it is complete."""
    payload: Any = message.get("payload") or {}
    errors: list[Any] = payload if message.get("type") == "error" else payload.get("errors", [])
    return [error["extensions"]["code"] for error in errors]


@asynccontextmanager
async def following(
    client: Client, generation_ids: Iterable[str], within_s: float = _WITHIN_S
) -> AsyncGenerator[list[Follower]]:
    """While entered, one follower of each id, which may be there twice; the exit waits until all have seen the end.

    Raises:
        AssertionError: some have not, `within_s` seconds after the exit began.
    """
    followers = [Follower(client, one) for one in generation_ids]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.to_the_end()) for one in followers]
        try:
            yield followers
            await asyncio.wait(tasks, timeout=within_s)
        finally:
            for task in tasks:
                task.cancel()
    late = [f"{one.generation_id}: {one.events}, {one.errors}" for one in followers if not one.ended]
    assert not late, "\n".join([f"not followed to the end within {within_s:g} s:", *late])


async def all_see(followers: Iterable[Follower], condition: Callable[[Follower], bool]) -> None:
    """Wait until it holds for each of them."""
    async with asyncio.timeout(_WITHIN_S):
        for follower in followers:
            await follower.until(condition)


def assert_told_once(followers: Sequence[Follower], census: Census) -> None:
    """Each has been told every event of its generation, in order and once; so all who follow one know the same."""
    for follower in followers:
        assert tuple(follower.events) == census.of(follower.generation_id).events, follower.connections
