"""Answers over HTTP that last: a subscription's events, as long as somebody listens."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import override

from beanie import PydanticObjectId
from cross_web import HTTPException
from graphql import GraphQLError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.http.streaming import HTTPStreamTransport

from app.api.context import Context
from app.api.errors import public_error
from app.api.sharing.outlets import Outlet
from app.api.stays import Stay
from app.api.stream_formats import EncodeJson, ending, framed, opening

_OF_ONE_PERSON = 100

type Frames = AsyncGenerator[str]


@dataclass(slots=True)
class Streams:
    """Those that are open in this process: a hundred of a person's at most, as operations of a socket."""

    _of: Counter[PydanticObjectId] = field(default_factory=Counter[PydanticObjectId])
    _open: set[Callable[[], None]] = field(default_factory=set[Callable[[], None]])

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    def admit(self, user_id: PydanticObjectId | None) -> None:
        """Do nothing if that person may open one more.

        Raises:
            HTTPException: 429.
        """
        if user_id is not None and self._of[user_id] >= _OF_ONE_PERSON:
            raise HTTPException(429, f"You follow {_OF_ONE_PERSON} streams already: end one, or use a WebSocket.")

    @contextmanager
    def joined(self, user_id: PydanticObjectId | None, cut: Callable[[], None]) -> Generator[None]:
        """While entered, one more; `cut` ends it when the server stops."""
        self._open.add(cut)
        if user_id is not None:
            self._of[user_id] += 1
        try:
            yield
        finally:
            self._open.discard(cut)
            if user_id is not None:
                self._leave(user_id)

    def cut(self) -> None:
        """End all of them without a word, so that their clients come back, to another server."""
        for end in tuple(self._open):
            end()

    def _leave(self, user_id: PydanticObjectId) -> None:
        self._of[user_id] -= 1
        if not self._of[user_id]:
            del self._of[user_id]


class StreamOutlet(Outlet):
    """That of a stream, once it is opened."""

    __slots__ = ("_send", "_transport")

    def __init__(self, transport: HTTPStreamTransport) -> None:
        super().__init__()
        self._transport = transport
        self._send: Send | None = None

    def open(self, send: Send) -> None:
        """Be ready to send."""
        self._send = send

    @override
    async def _write(self, payload: str) -> None:
        if self._send is not None:
            await _sent(self._send, framed(self._transport, payload))


class StreamResponse(Response):
    """Sends frames until there are no more, or the client goes, or its stay is over; then its source is closed."""

    def __init__(
        self, frames: Frames, transport: HTTPStreamTransport, encode: EncodeJson, context: Context, streams: Streams
    ) -> None:
        super().__init__(headers=dict(transport.headers))
        del self.headers["content-length"]
        self._frames = frames
        self._transport = transport
        self._encode = encode
        self._context = context
        self._streams = streams

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; returns when all that it began has ended."""
        over = asyncio.get_running_loop().create_future()

        def end(reason: str | None = None) -> None:
            if not over.done():
                over.set_result(reason)

        viewer, stay, outlet = self._context.viewer, Stay(self._context, end), self._context.outlet
        if isinstance(outlet, StreamOutlet):
            outlet.open(send)
        with self._streams.joined(viewer.user_id if viewer else None, end):
            stay.begin()
            try:
                await self._last(receive, send, over)
            finally:
                stay.over()
                if outlet is not None:
                    outlet.executor = None  # which knows the context, and with it the outlet

    async def _last(self, receive: Receive, send: Send, over: asyncio.Future[str | None]) -> None:
        """Send all of it; whatever ends first ends the rest."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await _sent(send, opening(self._transport, self._encode))
        writing = asyncio.create_task(self._write(send))
        tasks = (writing, asyncio.create_task(self._beat(send)), asyncio.create_task(_gone(receive)))
        try:
            await asyncio.wait((*tasks, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        last = ""
        if writing.cancelled():
            last = self._end(over.result()) if over.done() else ""
        else:
            with suppress(OSError):  # some servers raise it when the client has gone
                writing.result()
        await _sent(send, last, more=False)

    async def _write(self, send: Send) -> None:
        async with aclosing(self._frames) as frames:
            async for frame in frames:
                await _sent(send, frame)
        await _sent(send, self._transport.encode_complete())

    async def _beat(self, send: Send) -> None:
        """Keep proxies from closing a stream on which nothing happens."""
        while True:
            await asyncio.sleep(self._transport.heartbeat_interval)
            await _sent(send, self._transport.heartbeat_message(self._encode))

    def _end(self, reason: str | None) -> str:
        why = self._context.refused
        if reason is None or why is None:
            return ""
        error = public_error(GraphQLError("", original_error=why), self._context.request_id)
        return ending(self._transport, error.formatted, self._encode)


async def _sent(send: Send, text: str, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
