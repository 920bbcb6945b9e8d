"""uvicorn's connections, made breakable."""

import socket
import struct
from collections.abc import Callable
from typing import Final, override

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_EXTENSION: Final = "regen.cut"
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class BreakableConnection(HttpToolsProtocol):
    """Offers each request a way to cut its connection."""

    @override
    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"cut": self._cut}}

    def _cut(self) -> None:
        """Reset the connection, as a crash of the other machine or a broken network does."""
        connected: socket.socket | None = self.transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self.transport.abort()


def cut_of(scope: Scope) -> Callable[[], None]:
    """How the connection of a request is cut; needs `BreakableConnection`."""
    cut: Callable[[], None] = scope["extensions"][_EXTENSION]["cut"]
    return cut
