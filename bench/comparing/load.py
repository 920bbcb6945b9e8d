"""Requests from a process of their own, one after the other on each connection: `python -m bench.comparing.load`.

It reads a turn a line, as JSON, and answers each with what came of it. The process costs little: requests are made
before, answers are counted by their length and not read.
"""

import asyncio
import json
import statistics
import sys
import time
from asyncio import BufferedProtocol, Transport
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast, override

import uvloop

_BUFFER_BYTES = 1 << 18
_OK = b"HTTP/1.1 200"
_LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Turn:
    """For so many seconds the request is sent again on each connection as soon as its answer is there."""

    ports: Sequence[int]
    request: str
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Took:
    """What came of a turn; milliseconds from a request's first byte to its answer's last one."""

    count: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return self.count / self.seconds


@dataclass(slots=True)
class _Course:
    """What all connections of a turn share."""

    request: bytes
    until_ns: int
    open: int
    over: asyncio.Future[None]
    took_ns: list[int] = field(default_factory=list[int])

    def leave(self, error: Exception | None = None) -> None:
        """One connection is done; the last one ends the turn, an error ends it at once."""
        self.open -= 1
        if self.over.done():
            return
        if error is not None:
            self.over.set_exception(error)
        elif self.open == 0:
            self.over.set_result(None)


class _Connection(BufferedProtocol):
    """Sends, waits for the whole answer, sends again."""

    def __init__(self, course: _Course) -> None:
        self._course = course
        self._buffer = bytearray(_BUFFER_BYTES)
        self._sent_ns = 0
        self._missing: int | None = None
        self._begun = self._left = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("Transport", transport)
        self._send()

    @override
    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    @override
    def buffer_updated(self, nbytes: int) -> None:
        if not self._begun:
            self._begin(nbytes)
        elif self._missing is not None:
            self._missing -= nbytes
        if self._is_over(nbytes):
            self._answered()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self._left:
            self._left = True
            self._course.leave(exc or ConnectionError("The server closed a connection in the middle of a turn."))

    def _is_over(self, nbytes: int) -> bool:
        if self._missing is None:
            return self._buffer[:nbytes].endswith(_LAST_CHUNK)
        return self._missing <= 0

    def _begin(self, nbytes: int) -> None:
        """Read the head of an answer, which comes in one piece."""
        head, _, body = bytes(self._buffer[:nbytes]).partition(b"\r\n\r\n")
        if not head.startswith(_OK):
            self._leave(ConnectionError(f"The server answered {head[:80]!r}"))
            return
        self._begun = True
        _, named, rest = head.lower().partition(b"\r\ncontent-length:")
        self._missing = int(rest.partition(b"\r\n")[0]) - len(body) if named else None

    def _answered(self) -> None:
        now_ns = time.monotonic_ns()
        self._course.took_ns.append(now_ns - self._sent_ns)
        if now_ns >= self._course.until_ns:
            self._leave(None)
        else:
            self._send()

    def _send(self) -> None:
        self._begun, self._missing = False, None
        self._sent_ns = time.monotonic_ns()
        self._transport.write(self._course.request)

    def _leave(self, error: Exception | None) -> None:
        self._left = True
        self._transport.close()
        self._course.leave(error)


async def take(turn: Turn) -> Took:
    """Send and count.

    Raises:
        OSError: a server refused a connection, closed one, or answered with another status than 200.
    """
    loop = asyncio.get_running_loop()
    started_ns = time.monotonic_ns()
    until_ns = started_ns + round(turn.seconds * 1e9)
    course = _Course(turn.request.encode(), until_ns, turn.connections, loop.create_future())
    for number in range(turn.connections):
        port = turn.ports[number % len(turn.ports)]
        await loop.create_connection(lambda: _Connection(course), "127.0.0.1", port)
    await course.over
    seconds = (time.monotonic_ns() - started_ns) / 1e9
    cuts = statistics.quantiles(course.took_ns, n=100, method="inclusive")
    return Took(len(course.took_ns), seconds, cuts[49] / 1e6, cuts[98] / 1e6)


async def _answer_lines() -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked: dict[str, Any] = json.loads(line)
        try:
            print(json.dumps(asdict(await take(Turn(**asked)))), flush=True)
        except OSError as error:
            print(json.dumps({"error": str(error)}), flush=True)


if __name__ == "__main__":
    uvloop.run(_answer_lines())
