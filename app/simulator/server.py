"""The stand-in's server: uvicorn with connections that can be broken, stopped by whoever made it."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import override

import uvicorn

from app.simulator.app import make_app
from app.simulator.connection import BreakableConnection
from app.simulator.desk import Desk


class Server(uvicorn.Server):
    """Serves what the desk says, until `should_exit`."""

    def __init__(self, desk: Desk) -> None:
        config = uvicorn.Config(
            make_app(desk),
            http=BreakableConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop at once: calls under way lose their connection, as if they had been cut."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)

    @contextmanager
    @override
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield
