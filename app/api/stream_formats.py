"""How the results of one operation are written into one answer over HTTP, one after the other."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, override

from strawberry.http.streaming import HTTPStreamTransport, MultipartSubscriptionTransport, SSETransport

from app.api.media_types import EVENT_STREAM, MULTIPART

type EncodeJson = Callable[[object], str]

_UNTOUCHED: Mapping[str, str] = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
"""Asks proxies to pass each piece on at once, unpacked."""


class EventStream(SSETransport):
    """GraphQL over Server-Sent Events in distinct connections mode: `next`, then `complete`; comments keep it alive.

    https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
    """

    headers: ClassVar[Mapping[str, str]] = {"content-type": f"{EVENT_STREAM}; charset=utf-8", **_UNTOUCHED}

    @override
    def encode_event(self, event: str, data: str | None = None) -> str:
        """Lines end in LF, which every client splits at; JSON has none inside. Browsers drop events without `data`."""
        return f"event: {event}\ndata: {data}\n\n" if data else f"event: {event}\ndata:\n\n"

    @override
    def encode_comment(self, comment: str) -> str:
        return f": {comment}\n\n"


class MultipartStream(MultipartSubscriptionTransport):
    """Apollo's multipart subscriptions: every part is `{"payload": …}`; `{}` keeps it alive.

    A part ends with the boundary of the next, so that a client need not wait for that one.
    https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol
    """

    @property
    @override
    def headers(self) -> Mapping[str, str]:
        return {"content-type": f'{MULTIPART}; boundary="{self.separator}"; subscriptionSpec="1.0"', **_UNTOUCHED}

    @override
    def encode_complete(self) -> str:
        return "--\r\n"


def opening(transport: HTTPStreamTransport, encode: EncodeJson) -> str:
    """What is sent at once, so that the client knows that it is heard."""
    first = f"--{transport.separator}" if isinstance(transport, MultipartStream) else ""
    return first + transport.heartbeat_message(encode)


def framed(transport: HTTPStreamTransport, payload: str) -> str:
    """A result that is in JSON already, as `encode_next` writes it."""
    if isinstance(transport, MultipartStream):
        return transport.encode_multipart_data({}, lambda _: f'{{"payload":{payload}}}')
    return transport.encode_next({"data": None}, lambda _: payload)


def ending(transport: HTTPStreamTransport, error: Mapping[str, Any], encode: EncodeJson) -> str:
    """What is sent when the server ends the stream: the error says why, and nothing more will come."""
    if isinstance(transport, MultipartStream):
        last = transport.encode_multipart_data({"payload": None, "errors": [error]}, encode)
    else:
        last = transport.encode_next({"errors": [error]}, encode)
    return last + transport.encode_complete()
