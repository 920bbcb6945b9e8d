"""The short way of most requests: JSON by POST, for an operation that came before and was valid.

What is in any way different has nothing done to it here, and goes the long way, where it is answered or refused.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast, override

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from strawberry.http import GraphQLHTTPResponse
from strawberry.types.graphql import OperationType

from app.api.bodies import too_many_values
from app.api.context import Context
from app.api.documents import TrustedDocuments
from app.api.media_types import JSON, preferred, prefers_event_stream, takes_multipart_subscription
from app.api.prepared import Prepared, PreparedOperations, run
from app.errors import AppError

_ACCEPT_MAX: Final = 200
_SINGLE: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})


@dataclass(frozen=True, slots=True)
class Posted:
    """An operation that is ready to run, with the fields of its request."""

    prepared: Prepared
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None


class Answer(Response):
    """An answer whose headers are known: JSON of that media type."""

    def __init__(self, body: bytes, media_type: str) -> None:
        self.body = body
        self.status_code = 200
        self.background = None
        self.raw_headers = [
            (b"content-length", str(len(body)).encode()),
            (b"content-type", f"{media_type}; charset=utf-8".encode()),
        ]

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


class Replayed:
    """The messages of a request again, of which the body was read already."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """The next message."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def wanted_media_type(scope: Scope) -> str | None:
    """The media type of one answer in JSON; null for all but a plain POST of JSON that asks for no stream."""
    if scope["method"] != "POST":
        return None
    content_type, accept = b"", b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"accept":
            accept = value if not accept else b",".join((accept, value))
    if content_type.split(b";", 1)[0].strip().lower() != JSON.encode() or len(accept) > _ACCEPT_MAX:
        return None
    return _answered(accept)


@lru_cache(256)
def _answered(accept: bytes) -> str | None:
    text = accept.decode("latin-1") or None
    return None if takes_multipart_subscription(text) or prefers_event_stream(text) else preferred(text)


async def whole(receive: Receive) -> bytes:
    """The body of a request.

    Raises:
        ClientDisconnect: nobody waits for the answer.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    parts = [body]
    while message["type"] == "http.request" and message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return body if len(parts) == 1 else b"".join(parts)


def posted(body: bytes, documents: TrustedDocuments, kept: PreparedOperations, context: Context) -> Posted | None:
    """The operation of a body; null for one that was not valid before, and for whatever is wrong with the body."""
    try:
        fields: object = orjson.loads(body)
        if not isinstance(fields, dict):
            return None
        given = documents.filled(cast("dict[str, Any]", fields))
    except (ValueError, RecursionError, AppError):
        return None
    query, name = given.get("query"), given.get("operationName")
    variables, extensions = given.get("variables"), given.get("extensions")
    if not isinstance(query, str) or not isinstance(name, str | None):
        return None
    if not isinstance(variables, dict | None) or not isinstance(extensions, dict | None):
        return None
    prepared = kept.find(query, name, context.edge)
    if prepared is None or prepared.kind not in _SINGLE or too_many_values(variables):
        return None
    return Posted(prepared, cast("dict[str, Any] | None", variables), cast("dict[str, Any] | None", extensions))


async def ran(operation: Posted, context: Context) -> GraphQLHTTPResponse | None:
    """What the answer says; null, and nothing is done, where the operation is too large."""
    result = await run(operation.prepared, context, operation.variables, operation.extensions, keeps_moments=True)
    if result is None:
        return None
    answer: GraphQLHTTPResponse = {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
        if result.data is None and all(error.path is None for error in result.errors):
            del answer["data"]
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer
