"""One operation of a provider as an ASGI endpoint."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from app.simulator.answer import Answer, RefusedError, spoiled
from app.simulator.call import Asked, Call
from app.simulator.connection import cut_of
from app.simulator.delivery import Delivery
from app.simulator.desk import Desk
from app.simulator.scenario import OF_THE_CONNECTION, Operation, Scenario, nearest

_SECRETS = frozenset({"authorization", "x-goog-api-key", "api-key", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Endpoint[A: Asked]:
    """Reads a request, notes it, and answers it as its scenario says.

    `answer` makes the answer in a thread; it never gets a scenario of the connection.
    """

    desk: Desk
    operation: Operation
    read: Callable[[Request], Awaitable[A]]
    answer: Callable[[A, Scenario], Answer]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, from its coming to its answer or to its client's end."""
        request = Request(scope, receive)
        try:
            asked = await self.read(request)
        except RefusedError as refused:
            await Delivery(self.desk, send, cut_of(scope), _nothing).run(refused.answer)
        except ClientDisconnect:
            return
        else:
            await self._serve(request, asked, send)

    async def _serve(self, request: Request, asked: A, send: Send) -> None:
        headers = {name: value for name, value in request.headers.items() if name not in _SECRETS}
        call = self.desk.taken(asked, self.operation, request.url.path, headers)
        delivery = Delivery(self.desk, send, cut_of(request.scope), partial(self.desk.answered_all, call))
        try:
            await _unless_gone(self._work(asked, call, delivery), request)
        finally:
            self.desk.left(call)

    async def _work(self, asked: A, call: Call, delivery: Delivery) -> None:
        scenario = nearest(call.scenario, self.operation)
        told = Scenario.FINE if scenario in OF_THE_CONNECTION else scenario
        if scenario is Scenario.SLOW:
            await asyncio.sleep(self.desk.slow_s)
        made = await asyncio.to_thread(self.answer, asked, told)
        answer = spoiled(made, scenario).headed(x_request_id=call.request_id)
        if scenario is Scenario.TRICKLE:
            await delivery.trickle(answer)
        else:
            await delivery.run(answer)


async def _unless_gone(work: Coroutine[Any, Any, None], request: Request) -> None:
    """Do the work while the client is there."""
    working, gone = asyncio.create_task(work), asyncio.create_task(_left(request))
    try:
        await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
            # What we cut ourselves is over for the server, too, once it has heard of it.
            await gone
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.wait([working, gone])


def _nothing() -> None:
    """Of a request that is not noted, no end is noted either."""


async def _left(request: Request) -> None:
    """Return when the client has gone, or has all of its answer."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
