"""Events handed to subscribers as one writes it: a queue each."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


@dataclass(slots=True)
class Broker[T]:
    """All subscribers of one topic."""

    _queues: set[asyncio.Queue[T]] = field(default_factory=set[asyncio.Queue[T]])

    async def publish(self, event: T) -> None:
        """Hand the event to each."""
        for queue in self._queues:
            queue.put_nowait(event)

    async def subscribe(self) -> AsyncGenerator[T]:
        """What is published from now on, for ever."""
        queue = asyncio.Queue[T]()
        self._queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)


type Told = dict[str, Any]
"""An event in JSON."""


async def _nothing(_: list[Told]) -> None: ...


def publishing(
    publish: Callable[[Told], Awaitable[None]], write: Callable[[list[Told]], Awaitable[None]] = _nothing
) -> Route:
    """`POST /publish`: a JSON list of events, one after the other; answers when it began, by the monotonic clock.

    All of them are written before that, where they are written.
    """

    async def answer(request: Request) -> JSONResponse:
        events = await request.json()
        await write(events)
        started_ns = time.monotonic_ns()
        for event in events:
            await publish(event)
            await asyncio.sleep(0)  # let those who wait take it
        return JSONResponse({"startedNs": started_ns})

    return Route("/publish", answer, methods=["POST"])
