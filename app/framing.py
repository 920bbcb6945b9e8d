"""uvicorn's WebSockets, to which an application may write frames itself, without a task and without waiting."""

import asyncio
from http import HTTPStatus
from typing import override

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.api.sharing.frames import offer


class FramedSockets(WebSocketsSansIOProtocol):
    """Offers it in the scope, unless messages are compressed: then the same text is not the same frame for all."""

    @override
    def handle_connect(self, event: Request) -> None:
        """Offer it before the application begins."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS and not self.config.ws_per_message_deflate:
            offer(self.scope.setdefault("extensions", {}), self.write_frame)

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
