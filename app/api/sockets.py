"""GraphQL over WebSocket: graphql-transport-ws, its messages checked, its sockets no older than a token."""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, cast, override

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.types.execution import PreExecutionError

from app.api.bodies import too_many_values
from app.api.context import Context
from app.api.documents import named
from app.api.errors import public_error
from app.api.seats import SeatsTakenError
from app.api.sharing.frames import Result, offered
from app.api.sharing.outlets import Outlet
from app.api.stays import Stay
from app.errors import AppError, ErrorCode

_UNAUTHORIZED_CLOSE = 4403
_TOO_MANY_CLOSE = 4429
_TRY_AGAIN_CLOSE = 1013
"""Clients of graphql-ws connect again after that, as they do not after all others."""


class SocketAdapter(ASGIWebSocketAdapter):
    """A WebSocket that takes ready texts and ready frames, too."""

    def __init__(self, view: Any, request: WebSocket, response: WebSocket) -> None:
        super().__init__(view, request, response)  # pyright: ignore[reportUnknownMemberType] - Strawberry's own types are partial
        self._write_frame = offered(request.scope)

    def forget_headers(self) -> None:
        """Keep none of those that the handshake brought: browsers send 2 KB of them, and there are many sockets."""
        self.ws.scope["headers"].clear()

    def writes(self, frame: bytes) -> bool:
        """Write a whole frame now; false, and nothing is written, where that can't be, or the server can't."""
        write = self._write_frame
        return write is not None and self.ws.application_state is WebSocketState.CONNECTED and write(frame)

    async def send_text(self, text: str) -> None:
        """Send one.

        Raises:
            WebSocketDisconnected: the client is gone.
        """
        try:
            await self.ws.send_text(text)
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error


class SocketOutlet(Outlet):
    """One operation's of a WebSocket, as long as that knows it."""

    __slots__ = ("_handler", "_operation", "_socket", "_start")

    def __init__(self, handler: "SocketHandler", operation: Operation[Context, None]) -> None:
        super().__init__()
        self._handler = handler
        self._operation = operation
        self._socket = cast("SocketAdapter", handler.websocket)
        self._start = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation.id)

    @override
    def _writes(self, result: Result) -> bool:
        is_known = self._handler.operations.get(self._operation.id) is self._operation
        return is_known and self._socket.writes(result.frame(self._start))

    @override
    async def _write(self, payload: str) -> None:
        if self._handler.operations.get(self._operation.id) is self._operation:
            await self._socket.send_text(f"{self._start.decode()}{payload}}}")


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """The graphql-transport-ws protocol; a socket lives as long as its token, its session and its account."""

    _stay: Stay | None = None
    _closing: asyncio.Task[None] | None = None

    @override
    def on_request_accepted(self) -> None:
        """Keep no more than the socket needs: what is asked of the headers is in the context."""
        super().on_request_accepted()
        cast("SocketAdapter", self.websocket).forget_headers()

    @override
    async def handle_message(self, message: Any) -> None:
        """Refuse what is no message of the protocol before it is looked into."""
        if not _is_message(message):
            await self.handle_invalid_message("Invalid message")
        else:
            await super().handle_message(message)

    @override
    async def handle_connection_init(self, message: Any) -> None:
        """Close the socket with 4403 when the token runs out, the session ends, or the account is deleted."""
        try:
            await super().handle_connection_init(message)
        except SeatsTakenError as error:
            await self.websocket.close(code=_TOO_MANY_CLOSE, reason=str(error))
        except AppError as error:
            await self.websocket.close(code=_TRY_AGAIN_CLOSE, reason=error.code)
        if self.connection_acknowledged:
            self.connection_init_timeout_task = None  # it was cancelled, and there are many of us
        if self.connection_acknowledged and self._stay is None:
            self._stay = Stay(self.context, self._close_soon)
            self._stay.begin()

    @override
    async def handle_subscribe(self, message: Any) -> None:
        """Refuse the operation, and not the socket, where there are too many, or what it names is not known."""
        if self.connection_acknowledged and message["id"] not in self.operations:
            try:
                message = {**message, "payload": await self._let_in(message["payload"])}
            except AppError as error:
                shown = public_error(GraphQLError(error.message, original_error=error), self.context.request_id)
                await self.send_message({"id": message["id"], "type": "error", "payload": [shown.formatted]})
                return
        await super().handle_subscribe(message)

    async def _let_in(self, payload: dict[str, Any]) -> dict[str, Any]:
        most = self.max_subscriptions_per_connection
        if most is not None and len(self.operations) >= most:
            message = f"At most {most} operations run on a socket at once: complete one first."
            raise AppError(ErrorCode.RATE_LIMITED, message, retryable=True)
        await self.context.edge.allowances.count_request(self.context.party)
        return self.context.edge.documents.filled(payload)

    @override
    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Run an operation to its end; what it follows may be sent by others."""
        outlet = SocketOutlet(self, operation)
        try:
            results = await self.schema.stream(
                operation.query,
                variable_values=operation.variables,
                context_value=replace(self.context, outlet=outlet),
                root_value=self.root_value,
                operation_name=operation.operation_name,
            )
            operation.query, operation.variables = "", None  # which the stream knows as far as it needs them
            async with aclosing(results):
                await self._send_result_stream(operation, results)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except Exception as error:
            await self.handle_task_exception(error)
            with suppress(Exception):
                await operation.send_operation_message({"id": operation.id, "type": "complete"})
            self.operations.pop(operation.id, None)
            raise
        finally:
            outlet.executor = None  # which knows the context, and with it the outlet

    @override
    async def shutdown(self) -> None:
        """Leave no timer, no seat and no operation behind."""
        if self._stay:
            self._stay.over()
        self.context.leave()
        if self._closing:
            await self._closing
        await super().shutdown()

    @override
    async def handle_task_exception(self, error: Exception) -> None:
        """A client that is gone is no fault of ours."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)

    @override
    async def _handle_pre_execution_error(self, operation: Any, result: PreExecutionError) -> None:
        if result.errors:
            result.errors = [public_error(error, self.context.request_id) for error in result.errors]
        await super()._handle_pre_execution_error(operation, result)

    @staticmethod
    @override
    def _get_pre_execution_close_reason(error: Any) -> str | None:
        return None  # a syntax error is that operation's, not the socket's

    def _close_soon(self, reason: str) -> None:
        self._closing = self._closing or asyncio.create_task(self._close(reason))

    async def _close(self, reason: str) -> None:
        """End the operations first: a client that does not read would not let the socket be closed."""
        for identity in list(self.operations):
            await self.cleanup_operation(identity)
        with suppress(Exception):  # the client may be gone already
            await self.websocket.close(code=_UNAUTHORIZED_CLOSE, reason=reason)


def _is_message(message: Any) -> bool:
    fields = _fields(message)
    if not isinstance(fields.get("type"), str):
        return False
    if fields["type"] not in {"subscribe", "complete"}:
        return True
    identified = isinstance(fields.get("id"), str) and bool(fields["id"])
    return identified and (fields["type"] == "complete" or _is_operation(_fields(fields.get("payload"))))


def _is_operation(payload: dict[str, Any]) -> bool:
    return (
        isinstance(payload.get("query"), str | None)
        and (payload.get("query") is not None or named(payload) is not None)
        and isinstance(payload.get("variables"), dict | None)
        and not too_many_values(payload.get("variables"))
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("extensions"), dict | None)
    )


def _fields(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
