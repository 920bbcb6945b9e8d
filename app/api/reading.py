"""What a request says, read: JSON, a query string, a form with files; or refused with what to do."""

from json import JSONDecodeError
from typing import Any, cast, override

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from strawberry.http import GraphQLRequestData

from app.api.bodies import TOO_MANY_VALUES, too_many_values
from app.api.documents import TrustedDocuments
from app.api.streaming import StreamingView

PREFLIGHT_HEADERS = ("graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name")


class ReadingView(StreamingView):
    """Reads requests over HTTP; `documents` are those that they may name."""

    def __init__(self, documents: TrustedDocuments, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._documents = documents

    @override
    def decode_json(self, data: str | bytes) -> object:
        """Read JSON.

        Raises:
            JSONDecodeError: also for invalid UTF-8 and for what is nested too deep.
        """
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            raise
        except (RecursionError, UnicodeError) as error:
            raise JSONDecodeError("not JSON", "", 0) from error

    @override
    def parse_json(self, data: str | bytes) -> Any:
        """Read a request's body.

        Raises:
            HTTPException: 400 when it is no JSON object.
            AppError: BAD_USER_INPUT when it names no document that is known here.
        """
        return self._documents.filled(self._fields(data))

    @override
    def parse_query_params(self, params: Any) -> dict[str, Any]:
        """Read the fields of a GET request; see `parse_json`."""
        fields: dict[str, Any] = dict(params)
        read = {name: self._fields(fields[name]) for name in ("variables", "extensions") if fields.get(name)}
        return self._documents.filled({**fields, **read})

    def _fields(self, data: str | bytes) -> dict[str, Any]:
        parsed: object = super().parse_json(data)
        if not isinstance(parsed, dict):
            raise HTTPException(400, "The body must be a JSON object.")
        return cast("dict[str, Any]", parsed)

    @override
    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData | list[GraphQLRequestData]:
        """Read the body; an upload must carry a header that no web page can send to another site unasked.

        Raises:
            HTTPException: 400 with what to do; 503 when an upload does not fit on the disk.
        """
        if (request.content_type or "").startswith("multipart/form-data") and not any(
            name in request.headers for name in PREFLIGHT_HEADERS
        ):
            raise HTTPException(400, "A multipart request needs the header `GraphQL-Require-Preflight: true`.")
        try:
            parsed = await super().parse_http_body(request)
        except (AttributeError, TypeError, IndexError) as error:  # `operations` or `map` of another shape
            raise HTTPException(400, "`operations` and `map` do not fit together.") from error
        except OSError as error:  # the files of an upload go to the disk
            raise HTTPException(503, "The server's disk is full or not writable. Try again later.") from error
        if isinstance(parsed, list):
            raise HTTPException(400, "A request is one operation.")
        name: Any = parsed.operation_name
        if not isinstance(name, str | None):
            raise HTTPException(400, "The `operationName` must be a string or null.")
        if too_many_values(parsed.variables):
            raise HTTPException(400, TOO_MANY_VALUES)
        return parsed
