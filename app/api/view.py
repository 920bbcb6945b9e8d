"""GraphQL over HTTP and WebSocket: what comes in is checked, every answer is GraphQL's JSON, or a stream of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast, override

import orjson
from cross_web import HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UnsetType

from app.api.bodies import ONE_FILE, Caps, Intake, LargeUploads, UploadRequest
from app.api.context import Context
from app.api.documents import TrustedDocuments
from app.api.errors import public_error
from app.api.media_types import GRAPHQL_JSON, JSON, preferred
from app.api.posting import Answer, Replayed, posted, ran, wanted_media_type, whole
from app.api.reading import ReadingView
from app.api.refusals import refused, refused_for
from app.api.schema import schema
from app.api.served_schema import RegenSchema
from app.api.sharing.payloads import in_json
from app.api.sockets import SocketAdapter, SocketHandler
from app.api.streaming import STREAM_PROTOCOLS
from app.api.streams import Streams
from app.errors import AppError

_INIT_TIMEOUT_S = 5
_OPERATIONS_A_SOCKET = 100

_NOT_IN_ONE_ANSWER = {
    OperationType.SUBSCRIPTION: "Subscriptions come over a WebSocket at this address (graphql-transport-ws), "
    "or as a stream: send `Accept: text/event-stream`.",
    OperationType.MUTATION: "Mutations come by POST.",
    OperationType.QUERY: "Queries come by GET or POST.",
}

type MakeContext = Callable[[Request | WebSocket], Context]
type Explorer = Callable[[Request], Awaitable[Response]]


class GraphQLView(ReadingView):
    """The endpoint; `make_context` gives each request its context, `explorer` answers browsers, null for nothing.

    Who is logged in may send archives of `archive_max_bytes`. `served` is another schema than Regen's own.
    """

    graphql_transport_ws_handler_class = SocketHandler
    websocket_adapter_class = SocketAdapter

    def __init__(
        self,
        make_context: MakeContext,
        explorer: Explorer | None,
        allowed_origins: tuple[str, ...],
        archive_max_bytes: int,
        streams: Streams,
        documents: TrustedDocuments,
        served: RegenSchema = schema,
    ) -> None:
        super().__init__(
            documents,
            streams,
            served,
            graphql_ide="graphiql" if explorer else None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, *STREAM_PROTOCOLS),
            connection_init_wait_timeout=timedelta(seconds=_INIT_TIMEOUT_S),
            multipart_uploads_enabled=True,
            max_subscriptions_per_connection=_OPERATIONS_A_SOCKET,
            allowed_origins=allowed_origins,
        )
        self._make_context = make_context
        self._explorer = explorer
        self._prepared = served.prepared
        self._caps = Caps(archive_max=archive_max_bytes)
        self._large = LargeUploads()

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what the view refuses becomes a GraphQL error with a code."""
        if scope["type"] != "http":
            await self._open(scope, receive, send)
            return
        response = await self._answer(scope, receive)
        if response is not None:
            await response(scope, receive, send)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        context = await self._context_of(socket)
        try:
            await context.edge.allowances.count_request(context.party)
        except AppError as error:
            await socket.send_denial_response(refused_for(socket, error))
        else:
            await self.run(socket, context=context)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """The answer to a request over HTTP; null when its client has gone."""
        context = await self._context_of(Request(scope))
        who = context.viewer
        with self._large.beside(who.user_id if who else None) as enter_large:
            caps = self._caps if who else ONE_FILE
            request = UploadRequest(scope, Intake(scope, receive, caps, enter_large))
            try:
                await context.edge.allowances.count_request(context.party)
                return await self._run(request, receive, context)
            except AppError as error:
                return refused_for(request, error)
            except HTTPException as error:
                return refused(request, error.status_code, error.reason)
            except StarletteHTTPException as error:
                return refused(request, error.status_code, error.detail)
            except ClientDisconnect:
                return None
            finally:
                await request.close()

    async def _run(self, request: Request, receive: Receive, context: Context) -> Response:
        """Take the short way, where there is one."""
        media_type = wanted_media_type(request.scope)
        if media_type is not None:
            body = await whole(request.receive)
            operation = posted(body, self._documents, self._prepared, context)
            answer = None if operation is None else await ran(operation, context)
            if answer is not None:
                return self._in_json(answer, media_type)
            request = Request(request.scope, Replayed(body, receive))
        self.keep_context(request, context)
        return await self.run(request, context=context)

    def _in_json(self, answer: GraphQLHTTPResponse, media_type: str) -> Response:
        if "data" in answer:
            return Answer(orjson.dumps(answer, default=str), media_type)
        unfinished = Response(media_type=media_type)
        del unfinished.headers["content-length"]
        return self.create_response(answer, unfinished)

    @override
    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """The context, with the viewer of the Authorization header; a WebSocket says its token later."""
        return await self._context_of(request)

    async def _context_of(self, request: Request | WebSocket) -> Context:
        context = self._make_context(request)
        await context.authenticate(request.headers.get("authorization"))
        return context

    @override
    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """The viewer of the connectionParams' `authorization`.

        Raises:
            ConnectionRejectionError: the token is not accepted; closes with 4403.
            SeatsTakenError: there are too many sockets of this party; closes with 4429.
            AppError: nobody can tell at the moment; closes with 1013.
        """
        given = {name.lower(): value for name, value in (context.connection_params or {}).items()}
        token = given.get("authorization")
        if isinstance(token, str):
            await context.authenticate(token)
        if context.refused and context.refused.retryable:
            raise context.refused
        if context.refused:
            raise ConnectionRejectionError
        context.connection_params = None  # it holds the token, which nobody asks for again
        context.leave = context.edge.seats.take(context.party)
        return await super().on_ws_connect(context)

    @override
    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Carries the media type that the client prefers."""
        response = await super().get_sub_response(request)
        response.media_type = preferred(request.headers.get("accept"))
        return response

    @override
    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Leave `data` out when nothing ran, as the specification asks."""
        if result.errors:
            result.errors = [public_error(error, request.scope.get("request_id")) for error in result.errors]
        answer = await super().process_result(request, result)
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            answer.pop("data", None)
        return answer

    @override
    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """With the media type that was negotiated; its status is 400 for GraphQL's own when nothing ran."""
        response = super().create_response(response_data, sub_response)
        media_type = sub_response.media_type or JSON
        response.headers["content-type"] = f"{media_type}; charset=utf-8"
        if isinstance(response_data, dict) and "data" not in response_data:
            wait_s = _wait_s(response_data)
            if wait_s is not None:
                response.headers["retry-after"] = str(wait_s)
            if media_type == GRAPHQL_JSON:
                response.status_code = 400 if wait_s is None else 429
        return response

    @override
    def encode_json(self, data: object) -> str:
        """By orjson; a text, which WebSocket clients expect."""
        return in_json(data)

    @override
    async def execute_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Run one operation.

        Raises:
            HTTPException: 400 for a subscription, which needs a socket, and for a mutation by GET.
        """
        try:
            return await super().execute_operation(*args, **kwargs)
        except HTTPException as error:
            if isinstance(error.__cause__, InvalidOperationTypeError):
                kind = error.__cause__.operation_type
                raise HTTPException(400, _NOT_IN_ONE_ANSWER[kind]) from error
            raise

    @override
    def should_render_graphql_ide(self, request: Any) -> bool:
        """Only for browsers: who accepts anything is answered in JSON."""
        return bool(super().should_render_graphql_ide(request)) and "text/html" in request.headers.get("accept", "")

    @override
    async def render_graphql_ide(self, request: Request) -> Response:
        """GraphiQL."""
        if self._explorer is None:
            raise HTTPException(404, "Not Found")
        return await self._explorer(request)


def _wait_s(answer: GraphQLHTTPResponse) -> int | None:
    """How long to wait until the same request may be answered, in seconds; null where waiting helps nothing."""
    errors = cast("list[dict[str, Any]]", answer.get("errors") or [])
    waits = [one["extensions"]["retryAfterSeconds"] for one in errors if "retryAfterSeconds" in one["extensions"]]
    return max(waits, default=None)
