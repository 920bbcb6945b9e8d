"""How long a client may keep the server waiting before its connection is cut: uvicorn would wait for ever."""

import asyncio
from asyncio import BaseTransport, Transport
from dataclasses import dataclass
from typing import ClassVar, cast, override

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.light_sockets import LightSockets

_PROGRESS_BYTES = 4_096


@dataclass(slots=True)
class _Patience:
    """Watches what waits to be sent; cuts the connection and throws that away when it becomes no less in `stall_s`."""

    transport: Transport
    stall_s: float
    _timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self.end()
        self._look_later()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._timer = asyncio.get_running_loop().call_later(self.stall_s, self._look, waiting)

    def _look(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - _PROGRESS_BYTES:
            self.transport.abort()
        else:
            self._look_later()


class Http(HttpToolsProtocol):
    """Cuts off who does not finish a request's headers, and who does not read the answer.

    `head_s` is from the connection, or from the first byte of a later request, to the end of the headers; `stall_s` is
    how long the client may read next to nothing once more waits for it than the buffers hold.
    """

    head_s: ClassVar[float] = 15
    stall_s: ClassVar[float] = 20
    _head: asyncio.TimerHandle | None = None
    _patience: _Patience

    @override
    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn's own
        """Give it a while to ask for something."""
        self._patience = _Patience(transport, self.stall_s)
        super().connection_made(transport)
        self._await_head()

    @override
    def on_message_begin(self) -> None:
        """Give it a while for the headers."""
        self._await_head()
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        """The rest has deadlines of its own."""
        self._forget_head()
        super().on_headers_complete()

    @override
    def pause_writing(self) -> None:
        """The buffers are full."""
        super().pause_writing()
        self._patience.begin()

    @override
    def resume_writing(self) -> None:
        """They are empty enough."""
        self._patience.end()
        super().resume_writing()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind."""
        self._forget_head()
        self._patience.end()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._forget_head()
        self._head = asyncio.get_running_loop().call_later(self.head_s, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class Sockets(LightSockets):
    """Cuts off who does not read, and who answers no ping while there is more to send."""

    stall_s: ClassVar[float] = 20
    _patience: _Patience

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        """Be patient with it."""
        self._patience = _Patience(cast("Transport", transport), self.stall_s)
        super().connection_made(transport)

    @override
    def pause_writing(self) -> None:
        """The buffers are full."""
        super().pause_writing()
        self._patience.begin()

    @override
    def resume_writing(self) -> None:
        """They are empty enough."""
        self._patience.end()
        super().resume_writing()

    @override
    def keepalive_timeout(self) -> None:
        """Close; where the close frame itself can't be sent, cut."""
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind."""
        self._patience.end()
        super().connection_lost(exc)
