"""A scripted server on a real socket: the API key names the answer that a test has written down."""

import asyncio
import base64
import contextlib
import json
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

_MAX_HEAD = 64 * 1024


class End(Enum):
    """How an answer ends: as it should, with the connection cut in the middle, or never."""

    WHOLE = "whole"
    CUT = "cut"
    NEVER = "never"


@dataclass(frozen=True)
class Answer:
    """What is sent: pieces of a body, each in a write and an HTTP chunk of its own; without a status, nothing."""

    pieces: tuple[bytes, ...] = ()
    status: int | None = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    end: End = End.WHOLE
    request_id: str | None = "req-1"


@dataclass(frozen=True)
class Seen:
    """A request that arrived, and the client's port it came from."""

    path: str
    headers: dict[str, str]
    body: bytes
    port: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Standin:
    """The running server, its answers by key, and what it saw.

    `hung`: an answer that never ends has come to its silence; `disconnected`: its client has gone.
    """

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    hung: threading.Event = field(default_factory=threading.Event)
    disconnected: threading.Event = field(default_factory=threading.Event)

    def clear(self) -> None:
        self.answers.clear()
        self.seen.clear()
        self.hung.clear()
        self.disconnected.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until somebody ends it."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass
        writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.seen.append(Seen(head[0].split(" ")[1], headers, body, writer.get_extra_info("peername")[1]))
        answer = self.answers[headers["authorization"].removeprefix("Bearer ")]
        if answer.status is not None:
            writer.write(_head(answer))
        for piece in answer.pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if answer.end is End.NEVER:
            self.hung.set()
            await reader.read()
            self.disconnected.set()
        if answer.end is End.WHOLE:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        elif answer.end is End.CUT:
            await writer.drain()
            writer.close()
        return answer.end is End.WHOLE


def _head(answer: Answer) -> bytes:
    named = {} if answer.request_id is None else {"x-request-id": answer.request_id}
    headers = {"transfer-encoding": "chunked", **named, **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def event(kind: str, **data: Any) -> bytes:
    """One server-sent event as OpenAI writes it."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def error(status: int, message: str, code: str | None = None, *, headers: Mapping[str, str] | None = None) -> Answer:
    """An HTTP error as OpenAI writes it."""
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}})
    return Answer((body.encode(),), status, {"content-type": "application/json", **(headers or {})})


@contextlib.contextmanager
def serve() -> Generator[Standin]:
    """Serve on a free port of this machine, in a thread with a loop of its own."""
    standin, ready, stop = Standin(), threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        server = await asyncio.start_server(standin.serve, "127.0.0.1", 0, limit=_MAX_HEAD)
        standin.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        loops.append(asyncio.get_running_loop())
        ready.set()
        await stop.wait()
        server.close()
        server.abort_clients()
        await server.wait_closed()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait()
    try:
        yield standin
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()
