"""Requests that are refused before GraphQL sees them: JSON as GraphQL's errors look, with a code."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from graphql import GraphQLError
from pymongo.errors import PyMongoError
from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.api.errors import public_error
from app.api.media_types import preferred
from app.errors import AppError, ErrorCode

_LATER: Mapping[int, ErrorCode] = MappingProxyType({429: ErrorCode.RATE_LIMITED, 503: ErrorCode.UNAVAILABLE})
"""Statuses of refusals that the same request may not meet again."""
_STATUSES: Mapping[ErrorCode, int] = MappingProxyType(
    {
        ErrorCode.UNAUTHENTICATED: 401,
        ErrorCode.BAD_USER_INPUT: 400,
        ErrorCode.UNAVAILABLE: 503,
        ErrorCode.TIMEOUT: 503,
        ErrorCode.PROVIDER_UNAVAILABLE: 503,
        ErrorCode.RATE_LIMITED: 429,
        ErrorCode.QUOTA_EXCEEDED: 429,
    }
)
_METHOD_NOT_ALLOWED = 405


def refused(request: HTTPConnection, status: int, message: str) -> Response:
    """The answer to a request that HTTP has a status for, in the media type that the client prefers."""
    extensions: dict[str, Any] = {"code": ErrorCode.BAD_USER_INPUT, "requestId": request.scope.get("request_id")}
    if status in _LATER:
        extensions |= {"code": _LATER[status], "retryable": True}
    response = _answer(request, status, {"message": message, "extensions": extensions})
    if status == _METHOD_NOT_ALLOWED:
        response.headers["allow"] = "GET, POST"
    return response


def refused_for(request: HTTPConnection, cause: AppError | PyMongoError) -> Response:
    """The answer to a failure, whose code has a status; what is not expected is masked."""
    shown = public_error(GraphQLError("", original_error=cause), request.scope.get("request_id")).formatted
    extensions = shown.get("extensions", {})
    code: ErrorCode = extensions["code"]
    response = _answer(request, _STATUSES.get(code, 500), shown)
    if code is ErrorCode.UNAUTHENTICATED:
        response.headers["www-authenticate"] = "Bearer"
    if "retryAfterSeconds" in extensions:
        response.headers["retry-after"] = str(extensions["retryAfterSeconds"])
    return response


def _answer(request: HTTPConnection, status: int, error: Mapping[str, Any]) -> Response:
    body = orjson.dumps({"errors": [error]})
    return Response(body, status, media_type=preferred(request.headers.get("accept")))
