"""How failures reach clients: expected ones in a payload, the rest as GraphQL errors with a code, masked."""

from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from typing import Any, Protocol, Self, runtime_checkable

import strawberry
from graphql import GraphQLError
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import StreamExecutionResult
from strawberry.types.graphql import OperationType

from app.api.enums import ErrorCode
from app.errors import AppError
from app.logs import logger

_log = logger(__name__)

_OUT_OF_DISK_SPACE = 14031
_NULL = "A field of this input can't be null: leave it out, or give it a value."
_NOT_IN_THIS_STREAM = {
    OperationType.QUERY: "Apollo's multipart protocol is for subscriptions alone: accept `application/json`.",
    OperationType.MUTATION: "Mutations come by POST. Accept `application/json` or `text/event-stream`.",
    OperationType.SUBSCRIPTION: "Subscriptions come over a WebSocket or as a stream.",
}
_TOP_LEVEL = frozenset({ErrorCode.UNAUTHENTICATED, ErrorCode.UNAVAILABLE, ErrorCode.INTERNAL})


@strawberry.type(description="An expected failure of a mutation: nothing was done.")
class UserError:
    """One entry of a payload's `errors`."""

    code: ErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong and what to do, for people.")
    path: list[str] | None = strawberry.field(description='The argument at fault, e.g. `["input", "image"]`.')
    retryable: bool = strawberry.field(description="Whether the same call may succeed later.")
    retry_after_seconds: int | None = strawberry.field(
        default=None, description="The earliest sensible retry, in seconds; null when unknown."
    )

    @classmethod
    def of(cls, error: AppError) -> Self:
        """The same failure, as clients see it."""
        wait = None if error.retry_after_s is None else max(1, round(error.retry_after_s))
        path = list(error.path) if error.path else None
        return cls(
            code=error.code, message=error.message, path=path, retryable=error.retryable, retry_after_seconds=wait
        )


def errors_in[**P, T](
    payload: Callable[..., T],
) -> Callable[[Callable[P, Awaitable[T | None]]], Callable[P, Awaitable[T | None]]]:
    """Turn an expected failure of a mutation into `payload(errors=[...])`.

    A missing or refused access token, and what is not the caller's fault, stay GraphQL errors.
    """

    def decorate(mutation: Callable[P, Awaitable[T | None]]) -> Callable[P, Awaitable[T | None]]:
        @wraps(mutation)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> T | None:
            try:
                return await mutation(*args, **kwargs)
            except AppError as error:
                if error.code in _TOP_LEVEL and not error.path:
                    raise
                return payload(errors=[UserError.of(error)])

        return guarded

    return decorate


@runtime_checkable
class _WithErrors(Protocol):
    errors: list[GraphQLError] | None


class PublicErrors(SchemaExtension):
    """Gives every GraphQL error a code and the request's id, and hides the text of unexpected ones."""

    def on_operation(self) -> Iterator[None]:
        """After a query, a mutation, or what failed before it ran."""
        yield
        self._clean(self.execution_context.result)

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Before each event of a subscription is sent."""
        self._clean(result)
        yield

    def _clean(self, result: object) -> None:
        if isinstance(result, _WithErrors) and result.errors:
            request_id: str | None = getattr(self.execution_context.context, "request_id", None)
            result.errors = [public_error(error, request_id) for error in result.errors]


def public_error(error: GraphQLError, request_id: str | None) -> GraphQLError:
    """The same error with `extensions.code` and `extensions.requestId`; the text of an unexpected one is hidden."""
    if (error.extensions or {}).get("requestId"):
        return error
    cause = error.original_error
    extensions: dict[str, Any] = {"code": ErrorCode.BAD_USER_INPUT, **(error.extensions or {}), "requestId": request_id}
    message = _in_words_of_the_schema(error.message)
    if cause is not None and not isinstance(cause, GraphQLError):
        known = _expected(cause)
        if known is None:
            _log.error("resolver_crashed", exc_info=cause, path=error.path)
            known = AppError(
                ErrorCode.INTERNAL, "Something went wrong on our side; it is logged under this request's id."
            )
        message = known.message
        extensions |= {"code": known.code, "retryable": known.retryable}
        if known.path:
            extensions["argument"] = ".".join(known.path)
        if known.retry_after_s is not None:
            extensions["retryAfterSeconds"] = max(1, round(known.retry_after_s))
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path, None, extensions)


def _in_words_of_the_schema(message: str) -> str:
    """Strawberry says of a null in a place that takes none which types of Python it has there; clients know none."""
    return _NULL if "Maybe[" in message else message


def _expected(cause: Exception) -> AppError | None:
    """The failure that an exception means to the caller; null when it means a fault of ours."""
    match cause:
        case AppError():
            return cause
        case CannotGetOperationTypeError():
            return AppError(ErrorCode.BAD_USER_INPUT, cause.as_http_error_reason())
        case InvalidOperationTypeError():
            return AppError(ErrorCode.BAD_USER_INPUT, _NOT_IN_THIS_STREAM[cause.operation_type])
        case MissingQueryError():
            return AppError(ErrorCode.BAD_USER_INPUT, "There is no GraphQL operation in the request.")
        case ConnectionFailure():
            message = "The database can't be reached at the moment. Try again in a few seconds."
        case PyMongoError() if cause.timeout:
            message = "The database takes too long at the moment. Try again in a few seconds."
        case OperationFailure() if cause.code == _OUT_OF_DISK_SPACE or "disk is full" in str(cause):
            message = "The server's disk is full. Try again later."
        case _:
            return None
    _log.error("database_unavailable", reason=type(cause).__name__)
    return AppError(ErrorCode.UNAVAILABLE, message, retryable=True)
