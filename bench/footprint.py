"""What a server takes that does nothing: seconds to its first answer, memory, and memory an open subscription.

It is `regen serve` with an interpreter of its own, over an embedded database. A subscription is a WebSocket with one
`viewerEvents`, of which there are 1,000: all of one person, or each of another.
"""

import asyncio
import json
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2
from beanie import PydanticObjectId
from websockets.asyncio.client import connect

from app.accounts.tokens import TokenSigner
from tests.e2e.client import Socket
from tests.e2e.server import Server, running

_SOCKETS, _AT_ONCE = 1_000, 20
_FILES = 4_096
_SECRET = "a secret of the benchmark's own, 32 characters"  # noqa: S105 - it signs nothing else
_SETTINGS = {"JWT_SECRET": _SECRET, "SOCKETS_PER_USER": "0", "LOG_LEVEL": "WARNING"}
_EVENTS = "subscription { viewerEvents { type sequence } }"


@dataclass(frozen=True, slots=True)
class Footprint:
    """Seconds from the command to the first answer, the CPU in them; megabytes idle; kilobytes a subscription."""

    start_s: float
    start_cpu_s: float
    idle_mb: float
    subscription_of_one_kb: float
    subscription_of_many_kb: float


def measure() -> Footprint:
    """Measure; takes some 15 seconds of CPU."""
    _allow_files()
    one, many = [_token()] * _SOCKETS, [_token() for _ in range(_SOCKETS)]
    started, cpu, idle, one_kb = _run(one)
    many_kb = _run(many)[3]
    return Footprint(started, cpu, idle, one_kb, many_kb)


def _run(tokens: Sequence[str]) -> tuple[float, float, float, float]:
    with tempfile.TemporaryDirectory() as folder:
        before = time.perf_counter()
        with running(Path(folder), _SETTINGS, fresh=True) as server:
            httpx2.post(f"{server.url}/graphql", json={"query": "{ __typename }"}).raise_for_status()
            took_s, cpu = time.perf_counter() - before, cpu_s(server)
            idle = rss_bytes(server)
            open_bytes = asyncio.run(_with_sockets(server, tokens))
    return took_s, cpu, idle / 1e6, (open_bytes - idle) / len(tokens) / 1e3


async def _with_sockets(server: Server, tokens: Sequence[str]) -> int:
    """Memory while all are open."""
    async with AsyncExitStack() as stack:
        waiting = iter(tokens)

        async def one_after_another() -> None:
            for token in waiting:
                await _follow(stack, server, token)

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(one_after_another())
        return rss_bytes(server)


async def _follow(stack: AsyncExitStack, server: Server, token: str) -> None:
    """Open one; it is followed once an operation after it is answered."""
    connection = await stack.enter_async_context(connect(server.sockets_url, subprotocols=["graphql-transport-ws"]))  # type: ignore[list-item]
    socket = Socket(connection)
    await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
    assert (await socket.receive())["type"] == "connection_ack"
    await socket.send({"type": "subscribe", "id": "1", "payload": {"query": _EVENTS}})
    await socket.send({"type": "subscribe", "id": "2", "payload": {"query": "{ viewer { user { id } } }"}})
    while (await socket.receive()).get("id") != "2":
        pass


def rss_bytes(server: Server) -> int:
    """The memory that its process has."""
    pages = Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def cpu_s(server: Server) -> float:
    """The CPU that its process has used."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _token() -> str:
    return TokenSigner(_SECRET.encode()).issue(PydanticObjectId(), PydanticObjectId())[0]


def _allow_files() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, most), most))


def main() -> None:
    """Print the figures."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start: times are good where it is near 0")
    print(json.dumps(asdict(measure()), indent=2))


if __name__ == "__main__":
    main()
