"""Requests that are refused before GraphQL sees them: JSON as GraphQL's errors look, with a code."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.media_types import preferred
from app.errors import ErrorCode

_LATER: Mapping[int, ErrorCode] = MappingProxyType({429: ErrorCode.RATE_LIMITED, 503: ErrorCode.UNAVAILABLE})
"""Statuses of refusals that the same request may not meet again."""
_METHOD_NOT_ALLOWED = 405


def refused(request: Request, status: int, message: str) -> Response:
    """The answer, in the media type that the client prefers."""
    extensions: dict[str, Any] = {"code": ErrorCode.BAD_USER_INPUT, "requestId": request.scope.get("request_id")}
    if status in _LATER:
        extensions |= {"code": _LATER[status], "retryable": True}
    body = orjson.dumps({"errors": [{"message": message, "extensions": extensions}]})
    response = Response(body, status, media_type=preferred(request.headers.get("accept")))
    if status == _METHOD_NOT_ALLOWED:
        response.headers["allow"] = "GET, POST"
    return response
