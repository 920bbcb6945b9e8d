"""The pool of connections to Google."""

from collections.abc import AsyncGenerator
from typing import override

import httpx2

_CONNECT_S = 10.0
_ANSWER_BYTES = 36 << 20
"""Twice the base64 of the largest picture that a model makes today."""


def connections() -> httpx2.AsyncClient:
    """A pool that follows no redirect, which would carry the key to another host, and reads no endless answer."""

    async def give_up_connecting_early(request: httpx2.Request) -> None:
        # The SDK sets one timeout for connecting and reading alike, over whatever this client was given.
        timeout = request.extensions["timeout"]
        timeout["connect"] = min(_CONNECT_S, timeout["connect"] or _CONNECT_S)

    return httpx2.AsyncClient(event_hooks={"request": [give_up_connecting_early]}, transport=_Bounded())


class _Bounded(httpx2.AsyncHTTPTransport):
    """The library's own, but for the length of answers."""

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - what this transport always gives
        response.stream = _Counted(response.stream)
        return response


class _Counted(httpx2.AsyncByteStream):
    """A body that breaks off where it has grown too long."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    @override
    async def __aiter__(self) -> AsyncGenerator[bytes]:
        read = 0
        async for chunk in self._body:
            read += len(chunk)
            if read > _ANSWER_BYTES:
                message = "the answer is longer than any picture"
                raise httpx2.RemoteProtocolError(message)
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._body.aclose()
