"""GraphQL over HTTP where one answer holds many results: which requests get one, and what it is made of."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Any, Final, cast, override

from starlette.requests import Request
from starlette.responses import Response
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLRequestProtocol
from strawberry.http.streaming import HTTPStreamTransport
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, MULTIPART_SUBSCRIPTION_PROTOCOL
from strawberry.types import SubscriptionExecutionResult

from app.api.context import Context
from app.api.media_types import prefers_event_stream, takes_multipart_subscription
from app.api.stream_formats import EventStream, MultipartStream
from app.api.streams import StreamOutlet, StreamResponse, Streams

STREAM_PROTOCOLS: Final = (GRAPHQL_SSE_PROTOCOL, MULTIPART_SUBSCRIPTION_PROTOCOL)


class StreamingView(GraphQL[Context, None]):
    """Streams any operation to who asks for it by `Accept`; `streams` are those that are open."""

    stream_transport_classes_by_protocol = MappingProxyType(
        {GRAPHQL_SSE_PROTOCOL: EventStream, MULTIPART_SUBSCRIPTION_PROTOCOL: MultipartStream}
    )

    def __init__(self, streams: Streams, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._streams = streams

    def keep_context(self, request: Request, context: Context) -> None:
        """Have the context at hand when the request is answered; before it is run."""
        request.state.context = context
        transport = self._get_stream_transport_from_headers(request.headers)
        context.outlet = StreamOutlet(transport) if transport else None

    @override
    def _get_stream_transport_from_headers(self, headers: Mapping[str, str]) -> HTTPStreamTransport | None:
        """The stream that the client asks for; null for one answer, as an upload has: its files go with the request."""
        accept = headers.get("accept")
        if (headers.get("content-type") or "").startswith("multipart/form-data"):
            return None
        if takes_multipart_subscription(accept):
            return self._get_stream_transport(MultipartStream.protocol)
        return self._get_stream_transport(EventStream.protocol) if prefers_event_stream(accept) else None

    @override
    async def _create_streaming_response(
        self,
        request: Request,
        result: SubscriptionExecutionResult,
        protocol: GraphQLRequestProtocol,
        sub_response: Response,
    ) -> Response:
        """Carries each result as it comes.

        Raises:
            HTTPException: 429 when the viewer follows too many.
        """
        context: Context = request.state.context
        transport = self._get_stream_transport(protocol) or EventStream()
        self._streams.admit(context.viewer.user_id if context.viewer else None)
        return StreamResponse(
            self._frames(request, result, transport), transport, self.encode_json_string, context, self._streams
        )

    async def _frames(
        self, request: Request, result: SubscriptionExecutionResult, transport: HTTPStreamTransport
    ) -> AsyncGenerator[str]:
        async with aclosing(cast("AsyncGenerator[Any]", result)) as values:
            async for value in values:
                answer, _ = await self._process_stream_result(request, value, [])
                yield transport.encode_next(answer, self.encode_json_string)
