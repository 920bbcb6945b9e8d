"""uvicorn's WebSockets where there are very many: a frame takes no task, and an open socket little memory."""

import asyncio
from http import HTTPStatus
from typing import Any, override

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.api.sharing.frames import offer
from app.inbox import Flag, Inbox


class LightSockets(WebSocketsSansIOProtocol):
    """Offers its application to write ready frames, and keeps nothing that only the handshake needed.

    It offers that unless messages are compressed: then the same text is not the same frame for all.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = Inbox()  # type: ignore[assignment] # it does for uvicorn what asyncio's does, as the next one
        self.writable = Flag()  # type: ignore[assignment]
        self.writable.set()

    @override
    def handle_connect(self, event: Request) -> None:
        """Offer it before the application begins."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS and not self.config.ws_per_message_deflate:
            offer(self.scope.setdefault("extensions", {}), self.write_frame)

    @override
    def start_keepalive(self) -> None:
        """The handshake is done: its headers are in the scope, for whoever needs them longer."""
        super().start_keepalive()
        self.request.headers.clear()
        self.response.headers.clear()

    @override
    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Leave no circle of references behind."""
        super().on_task_complete(task)
        self.scope.get("extensions", {}).clear()

    def write_frame(self, frame: bytes) -> bool:
        """Write a whole frame behind all that was written; false, and nothing is written, where `send` would not.

        That is before the handshake is done, once either side has closed, and while the buffers are full.
        """
        is_open = self.handshake_complete and not (self.close_sent or self.disconnected or self.transport.is_closing())
        if not (is_open and self.writable.is_set()):
            return False
        self.transport.write(frame)
        return True
