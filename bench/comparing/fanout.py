"""One event to very many subscribers of the same generation."""

import asyncio
import json
import statistics
import urllib.request
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.comparing import sample
from bench.comparing.answers import OtherAnswerError, check
from bench.comparing.catalogue import COMMANDS, GRAPHQL_WS, OURS, OURS_LIVE, PLAIN, RAW
from bench.comparing.process import Client, Server, client, running
from bench.comparing.rounds import Plan
from bench.engine_parts.figures import p99

SUBSCRIBERS = 1_000
_NOT_OURS = "R2VuZXJhdGlvbjo2NWYwYzBmZmVlMDAwMDAwMDAwMDAwMDE="
_TRIES, _TRY_S = 10, 3


@dataclass(frozen=True, slots=True)
class Delivered:
    """Medians over the rounds: from the publish of one event until a subscriber had it; and what a delivery costs."""

    p50_ms: float
    p99_ms: float
    cpu_us: float
    a_second: float


@dataclass(slots=True)
class Hall:
    """A server with its audience; `sequence` is the number of the last event."""

    server: Server
    audience: Client
    generation_id: str
    sequence: int = 1
    turns: list[Delivered] = field(default_factory=list[Delivered])

    async def publish(self, count: int, within_s: float = 60) -> dict[str, Any]:
        """Publish so many events, and wait until every subscriber has all of them.

        Raises:
            OtherAnswerError: not all were told the same.
        """
        numbers = range(self.sequence + 1, self.sequence + 1 + count)
        self.sequence += count
        events = [sample.event(self.generation_id, number) for number in numbers]
        heard = await self.audience.ask(events=events, within_s=within_s)
        if heard["different"]:
            raise OtherAnswerError(f"{self.server.name} did not tell all subscribers the same.")
        return heard

    async def warm(self) -> None:
        """Publish until everybody hears it, and look at what they are told.

        Raises:
            ConnectionError: some never do.
            OtherAnswerError: it is something else than what was published.
        """
        heard = await self._heard_by_all()
        expected: dict[str, Any] = {"data": {"generationProgress": sample.event(self.generation_id, self.sequence)}}
        message: dict[str, Any] = json.loads(heard["texts"][0])
        check(self.server.name, json.dumps(message["payload"]).encode(), expected)
        if message["type"] != "next":
            raise OtherAnswerError(f"{self.server.name} said {message['type']}, not next.")

    async def _heard_by_all(self) -> dict[str, Any]:
        for _ in range(_TRIES):
            with suppress(ConnectionError):  # some had not subscribed yet
                return await self.publish(1, _TRY_S)
        return await self.publish(1)

    async def turn(self, plan: Plan) -> None:
        """Single events, then a burst."""
        took_ms = list[float]()
        for _ in range(plan.events):
            took_ms += (await self.publish(1))["took_ms"]
        before = self.server.cpu_s()
        burst_ms: list[float] = (await self.publish(plan.burst))["took_ms"]
        cpu_s, deliveries = self.server.cpu_s() - before, len(burst_ms)
        a_second = deliveries / max(burst_ms) * 1000
        self.turns.append(Delivered(statistics.median(took_ms), p99(took_ms), cpu_s / deliveries * 1e6, a_second))


async def deliveries(mongodb_url: str, folder: Path, plan: Plan) -> dict[str, Delivered]:
    """What it takes each server."""
    found = dict[str, Delivered]()
    async with AsyncExitStack() as stack:
        halls = [
            await stack.enter_async_context(_hall(name, mongodb_url, folder)) for name in (OURS, RAW, GRAPHQL_WS, PLAIN)
        ]
        for number in range(plan.rounds):
            for hall in halls if number % 2 == 0 else reversed(halls):
                await hall.turn(plan)
        for hall in halls:
            found[hall.server.name] = _median(hall.turns)
    return found


@asynccontextmanager
async def _hall(name: str, mongodb_url: str, folder: Path) -> AsyncGenerator[Hall]:
    """While entered, the server runs and everybody has subscribed."""
    command = OURS_LIVE if name == OURS else (*COMMANDS[name], str(sample.write(folder)))
    settings = {"MONGODB_URL": mongodb_url}
    async with running(f"live {name}", command, folder, settings) as server, client("bench.comparing.audience") as own:
        who = await _subscriber(server) if name == OURS else {"token": "", "id": _NOT_OURS}
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {who['token']}"}}
        operation = {"query": sample.PROGRESS, "variables": {"id": who["id"]}}
        subscribe = {"id": "1", "type": "subscribe", "payload": operation}
        await own.ask(port=server.port, init=init, subscribe=subscribe, count=SUBSCRIBERS)
        hall = Hall(Server(name, server.port, server.pid), own, who["id"])
        await hall.warm()
        yield hall


async def _subscriber(server: Server) -> dict[str, str]:
    """Who may follow what there is at ours."""

    def ask() -> dict[str, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/subscriber") as answer:
            said: dict[str, str] = json.load(answer)
            return said

    return await asyncio.to_thread(ask)


def _median(turns: Sequence[Delivered]) -> Delivered:
    return Delivered(
        statistics.median(one.p50_ms for one in turns),
        statistics.median(one.p99_ms for one in turns),
        statistics.median(one.cpu_us for one in turns),
        statistics.median(one.a_second for one in turns),
    )
