"""A Gemini that the test steers while it runs: what it answers, when, and what it saw."""

import asyncio
import base64
import copy
import io
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tests.providers.gemini_standin import ANSWERS

_SIDE_PX = 24
_COLOURS = 1 << 24
_STEP = 0x9E3779  # odd, so that numbers and colours match one to one
_WITHIN_S = 30.0
_CUT_OFF = Response(b'{"candidates": ', headers={"content-length": "1000"})
_NEVER_SENT = Response(status_code=499)


def picture(number: int) -> bytes:
    """The picture that call `number` is answered with: a small PNG, another one for each number."""
    colour = (number * _STEP) % _COLOURS
    told = PngInfo()
    told.add_text("call", str(number))
    buffer = io.BytesIO()
    image = Image.new("RGB", (_SIDE_PX, _SIDE_PX), (colour >> 16, colour >> 8 & 255, colour & 255))
    image.save(buffer, "PNG", pnginfo=told)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came: its number from 1, when by the monotonic clock, its prompt, how many pictures with it."""

    number: int
    at: float
    prompt: str
    pictures: int


type Answer = Callable[[Call], Response]


def _json(status: int, answer: Any) -> Response:
    return Response(json.dumps(answer), status, {"content-type": "application/json; charset=UTF-8"})


def made(call: Call) -> Response:
    """The picture of this call."""
    status, answer = copy.deepcopy(ANSWERS["key-picture"])
    inline = {"mimeType": "image/png", "data": base64.b64encode(picture(call.number)).decode()}
    answer["candidates"][0]["content"]["parts"] = [{"inlineData": inline}]
    return _json(status, {**answer, "responseId": f"response-{call.number}"})


def limited(retry_after_s: float) -> Answer:
    """429: too many calls, to be tried again after that time."""
    status, answer = copy.deepcopy(ANSWERS["key-minute"])
    answer["error"]["details"][-1]["retryDelay"] = f"{retry_after_s:g}s"
    return lambda _: _json(status, answer)


def overloaded(retry_after_s: float | None = None) -> Answer:
    """503, with the time after which to try again, or without."""
    status, answer = copy.deepcopy(ANSWERS["key-overloaded"])
    if retry_after_s is None:
        answer["error"]["details"] = []
    else:
        answer["error"]["details"][-1]["retryDelay"] = f"{retry_after_s:g}s"
    return lambda _: _json(status, answer)


def refused(_: Call) -> Response:
    """400: the same again will never do."""
    return _json(*ANSWERS["key-bad-picture"])


def cut_off(_: Call) -> Response:
    """The connection breaks in the middle of the answer."""
    return _CUT_OFF


@dataclass(eq=False)
class Gemini:
    """Set as GOOGLE_API_KEY=key-picture and GOOGLE_GEMINI_BASE_URL; its answers are distinct pictures by default.

    `takes_s` is how long each answer takes, `disconnected` are the numbers of the calls whose client went away.
    """

    url: str
    takes_s: float = 0.0
    calls: list[Call] = field(default_factory=list[Call])
    answered: list[int] = field(default_factory=list[int])
    disconnected: list[int] = field(default_factory=list[int])
    in_flight: int = 0
    most_in_flight: int = 0
    _next: deque[Answer] = field(default_factory=deque[Answer])
    _usual: Answer = made
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What makes a server use it."""
        return {"GOOGLE_API_KEY": "key-picture", "GOOGLE_GEMINI_BASE_URL": self.url}

    def hold(self) -> None:
        """From now on calls come in and wait."""
        self._open.clear()

    def release(self) -> None:
        """Answer those that wait, and the ones to come at once."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._open.set)

    def then(self, *answers: Answer) -> None:
        """What the next calls to come get, one each; after them the usual answer again."""
        self._next.extend(answers)

    def always(self, answer: Answer = made) -> None:
        """The usual answer from now on."""
        self._usual = answer

    async def until(self, condition: Callable[["Gemini"], bool], within_s: float = _WITHIN_S) -> None:
        """Wait until it holds: `await gemini.until(lambda seen: seen.in_flight == 3)`.

        Raises:
            AssertionError: it didn't in time.
        """

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(lambda: condition(self), within_s)

        assert await asyncio.to_thread(wait), (
            f"not in {within_s:g} s: {len(self.calls)} calls, {self.in_flight} in flight, "
            f"{len(self.answered)} answered, {len(self.disconnected)} disconnected"
        )

    async def answer(self, request: Request) -> Response:
        """One call, from its coming to its answer or to its client's end."""
        with suppress(ClientDisconnect):
            body = json.loads(await request.body())
            call, answer = self._taken(body)
            try:
                if await self._stays(request):
                    self.answered.append(call.number)
                    return answer(call)
                self.disconnected.append(call.number)
            finally:
                self._count(-1)
        return _NEVER_SENT

    def started(self) -> None:
        """In the server's own thread, before the first call."""
        self._loop = asyncio.get_running_loop()
        self._open.set()

    def _taken(self, body: Any) -> tuple[Call, Answer]:
        parts = body["contents"][0]["parts"]
        prompt = " ".join(part["text"] for part in parts if "text" in part)
        pictures = sum("inlineData" in part for part in parts)
        call = Call(len(self.calls) + 1, time.monotonic(), prompt, pictures)
        self.calls.append(call)
        self._count(1)
        return call, self._next.popleft() if self._next else self._usual

    def _count(self, change: int) -> None:
        with self._changed:
            self.in_flight += change
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self._changed.notify_all()

    async def _stays(self, request: Request) -> bool:
        """Wait for the answer's time; false when the client has gone before."""

        async def due() -> None:
            await asyncio.sleep(self.takes_s)
            await self._open.wait()

        async def left() -> None:
            await request.receive()

        answered, gone = asyncio.create_task(due()), asyncio.create_task(left())
        try:
            await asyncio.wait([answered, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            answered.cancel()
            gone.cancel()
        return not gone.done()


@contextmanager
def serving_gemini() -> Generator[Gemini]:
    """On a free port, in a thread of its own: it answers whatever the test's loop does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gemini = Gemini(f"http://127.0.0.1:{listener.getsockname()[1]}")
        app = Starlette(routes=[Route("/{path:path}", gemini.answer, methods=["POST"])])
        config = uvicorn.Config(app, log_config=None, ws="none", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        ready = threading.Event()

        async def serve() -> None:
            gemini.started()
            ready.set()
            await server.serve(sockets=[listener])

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        ready.wait()
        try:
            yield gemini
        finally:
            server.should_exit = True
            gemini.release()
            thread.join()
