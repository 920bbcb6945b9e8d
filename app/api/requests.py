"""A request id on every request, in its logs and in its answer."""

import re
import time
from dataclasses import dataclass
from secrets import token_hex

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from app.logs import logger

_log = logger(__name__)
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_HEADER = b"x-request-id"
_HANDSHAKES = {"websocket.accept": 101, "websocket.close": 403}
"""What the server answers a handshake with; a close after the handshake is no answer any more."""


@dataclass(frozen=True, slots=True)
class RequestIds:
    """Middleware: takes `X-Request-Id` when it is a decent one, makes one otherwise, and logs a line a request."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(_HEADER, b"")
        request_id = given.decode() if _GIVEN.fullmatch(given) else token_hex(16)
        scope["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (_HEADER, request_id.encode())]
            elif message["type"] in _HANDSHAKES:
                status = status or _HANDSHAKES[message["type"]]
            await send(message)

        bound = bind_contextvars(request_id=request_id)
        try:
            await self.app(scope, receive, answer)
        finally:
            elapsed_ms = round((time.perf_counter() - started) * 1000, 1)
            if scope["path"] not in {"/healthz", "/readyz"}:
                _log.info(
                    "request",
                    method=scope.get("method", "WS"),
                    path=scope["path"],
                    status=status,
                    elapsed_ms=elapsed_ms,
                )
            reset_contextvars(**bound)
