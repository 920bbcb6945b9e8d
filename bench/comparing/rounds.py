"""Servers measured in turn, round by round, so that what else the machine does meets all of them."""

import asyncio
import json
import statistics
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.comparing.answers import check
from bench.comparing.load import Took
from bench.comparing.process import Client, Server

_CONNECTIONS = 32
_FEW, _LONGER = 8, 2
_ANSWER_S = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: rounds, seconds of a turn and of the first one, events and those of a burst a round."""

    rounds: int
    turn_s: float
    warm_s: float
    events: int
    burst: int
    quick: bool = False


FULL = Plan(rounds=7, turn_s=1.5, warm_s=2, events=8, burst=25)
QUICK = Plan(rounds=3, turn_s=0.5, warm_s=0.8, events=4, burst=10, quick=True)


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over the rounds: the server's CPU a request, how long requests took, answers a second."""

    cpu_us: float
    p50_ms: float
    p99_ms: float
    a_second: float


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request; `token` is an access token.

    `slow`: it waits for a database that answers one after the other. More connections would only wait in line, and a
    turn of twice the time has enough of its answers.
    """

    query: str
    variables: Mapping[str, Any]
    token: str | None = None
    slow: bool = False

    @property
    def body(self) -> bytes:
        """Its JSON."""
        return json.dumps({"query": self.query, "variables": dict(self.variables)}).encode()

    @property
    def headers(self) -> dict[str, str]:
        """Of HTTP, without those that depend on the body and the address."""
        given = {"Content-Type": "application/json", "Accept": "application/json"}
        return given | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    def text(self) -> str:
        """All of it, as it goes over the wire."""
        headers = {"Host": "127.0.0.1", **self.headers, "Content-Length": str(len(self.body))}
        lines = ["POST /graphql HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines) + self.body.decode()


async def answer_of(server: Server, request: Request) -> bytes:
    """What one server answers."""
    asked = urllib.request.Request(f"http://127.0.0.1:{server.port}/graphql", request.body, request.headers)

    def ask() -> bytes:
        with urllib.request.urlopen(asked, timeout=_ANSWER_S) as answer:  # noqa: S310 - the same
            body: bytes = answer.read()
            return body

    return await asyncio.to_thread(ask)


async def checked(servers: Sequence[Server], request: Request, expected: Any) -> None:
    """Do nothing if all answer the same, which is what they have to.

    Raises:
        OtherAnswerError: one does not.
    """
    for server in servers:
        check(server.name, await answer_of(server, request), expected)


async def costs(servers: Sequence[Server], request: Request, client: Client, plan: Plan) -> dict[str, Cost]:
    """What the request costs each server."""
    turns = {server.name: list[Cost]() for server in servers}
    for server in servers:
        await _turn([server], request, client, plan.warm_s)
    for number in range(plan.rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            turns[server.name].append(await _turn([server], request, client, plan.turn_s))
    return {name: median_of(some) for name, some in turns.items()}


async def cost_together(servers: Sequence[Server], request: Request, client: Client, seconds: float) -> Cost:
    """What a request costs when its connections are spread over those servers."""
    return await _turn(servers, request, client, seconds)


async def _turn(servers: Sequence[Server], request: Request, client: Client, seconds: float) -> Cost:
    ports = [server.port for server in servers]
    before = sum(server.cpu_s() for server in servers)
    how = (
        {"connections": _FEW, "seconds": _LONGER * seconds}
        if request.slow
        else {"connections": _CONNECTIONS, "seconds": seconds}
    )
    answer = await client.ask(ports=ports, request=request.text(), **how)
    cpu_s, took = sum(server.cpu_s() for server in servers) - before, Took(**answer)
    return Cost(cpu_s / took.count * 1e6, took.p50_ms, took.p99_ms, took.a_second)


def median_of(turns: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        statistics.median(one.cpu_us for one in turns),
        statistics.median(one.p50_ms for one in turns),
        statistics.median(one.p99_ms for one in turns),
        statistics.median(one.a_second for one in turns),
    )
