"""The connection to OpenAI that its models share; the SDK sends, what comes back is read here."""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import anyio
import httpx2
import openai

from app.providers.openai.faults import (
    Asked,
    Fault,
    broken_by,
    lost,
    refused,
    unreadable,
    unsendable_key,
    wrong_address,
)
from app.providers.openai.frames import Event, FrameTooLongError, UnreadableEventError, frames, read_event
from app.providers.ports.model import Checkup

type Ask = Callable[[openai.AsyncOpenAI], Awaitable[openai.AsyncStream[Any]]]
"""Sends one request and returns its stream, not yet read."""

_ADDRESS = "https://api.openai.com/v1"
_CONNECT_S = 10.0
_CONNECTIONS = httpx2.Limits(max_connections=1_000, max_keepalive_connections=20)  # calls at once are limited elsewhere
_SENDABLE_KEY = re.compile(r"[!-~]+")
_LOST = (httpx2.RequestError, ssl.SSLError, anyio.EndOfStream)  # the last two: what httpx2 lets through untranslated
_SMALL_BYTES = 32 * 1024
_DRAIN_S = 0.1
LAST = frozenset({"image_generation.completed", "image_edit.completed", "response.completed", "response.incomplete"})
"""Events that complete an answer, whole or not."""


class _Vendor(openai.AsyncOpenAI):
    """The SDK without what it takes from the environment behind our back.

    OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS (which may even hold another key) are no settings of
    ours: a key of a project needs none of them.
    """

    def __init__(self, api_key: str, base_url: str, http: httpx2.AsyncClient, timeout: httpx2.Timeout) -> None:
        super().__init__(api_key=api_key, base_url=base_url, http_client=http, timeout=timeout, max_retries=0)
        self.organization = self.project = self.admin_api_key = self.webhook_secret = None
        self._custom_headers = {}
        # Their modules are loaded when first asked for, which takes a tenth of a second: not in the event loop.
        _ = self.images, self.responses


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that begins to come; `request_id` is OpenAI's, null when it gives none."""

    request_id: str | None
    asked: Asked
    _response: httpx2.Response = field(repr=False)
    _reading: asyncio.Lock = field(repr=False)

    async def events(self, limit: int) -> AsyncGenerator[Event]:
        """Every event up to the one that completes the answer; none has more than `limit` bytes.

        Raises:
            AppError: the answer reports an error, ends before it is complete, or can't be read.
        """
        try:
            async with aclosing(self._response.aiter_bytes()) as chunks, aclosing(frames(chunks, limit)) as found:
                async for frame in found:
                    event = await self._read(frame)
                    if event.kind in LAST:
                        await self._drain(found)
                        yield event
                        return
                    yield event
        except FrameTooLongError:
            raise unreadable("is longer than any that was asked for", self.request_id) from None
        except UnreadableEventError:
            raise unreadable("can't be read", self.request_id) from None
        raise unreadable("broke off in the middle", self.request_id)

    async def _read(self, frame: bytearray) -> Event:
        if len(frame) <= _SMALL_BYTES:
            event = read_event(frame)
        else:
            async with self._reading:  # one at a time: many would take turns at the interpreter before the event loop
                event = await asyncio.to_thread(read_event, frame)
        if (fault := Fault.reported(event.kind, event.fields)) is not None:
            raise broken_by(fault, self.asked, self.request_id)
        return event

    async def _drain(self, rest: AsyncGenerator[bytearray]) -> None:
        """Read what is left, which is nothing but the end, so that the connection can serve the next call."""
        with suppress(TimeoutError, FrameTooLongError, *_LOST):
            async with asyncio.timeout(_DRAIN_S):
                async for _ in rest:
                    pass


def _connections() -> httpx2.AsyncClient:
    """A pool that follows no redirect: one would carry the key to another host."""
    return httpx2.AsyncClient(limits=_CONNECTIONS, follow_redirects=False)


@dataclass(frozen=True, slots=True)
class OpenAIClient:
    """One pool of connections and one key, for all of OpenAI's models.

    `api_key` is not empty, `deadline_s` is the longest silence of the wire (the whole call's deadline is the
    caller's), `base_url` null means OpenAI's own address. Every request is sent once. `http` is closed with the
    client.
    """

    api_key: str = field(repr=False)
    deadline_s: float
    base_url: str | None = None
    http: httpx2.AsyncClient = field(default_factory=_connections, repr=False, compare=False)
    _vendor: _Vendor | None = field(init=False, repr=False, compare=False)
    _reading: asyncio.Lock = field(init=False, repr=False, compare=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        timeout = httpx2.Timeout(self.deadline_s, connect=min(_CONNECT_S, self.deadline_s))
        try:
            vendor = _Vendor(self.api_key.strip(), self.base_url or _ADDRESS, self.http, timeout)
        except httpx2.InvalidURL:
            vendor = None  # told by the first call: the rest of the product runs without OpenAI
        object.__setattr__(self, "_vendor", vendor)

    @asynccontextmanager
    async def answer(self, model: str, setting: str, ask: Ask) -> AsyncGenerator[Answer]:
        """While entered, the answer to one request; leaving early ends the connection.

        `setting` is the variable that names `model`.

        Raises:
            AppError: PROVIDER_REJECTED_KEY, PROVIDER_NOT_CONFIGURED, QUOTA_EXCEEDED, CONTENT_BLOCKED and
                BAD_USER_INPUT; retryable RATE_LIMITED, PROVIDER_UNAVAILABLE and TIMEOUT. Each has its `call`.
        """
        heard = _Heard()
        async with self._asking(Asked(model, setting, self.api_key.strip()), heard) as (vendor, asked):
            response = (await ask(vendor)).response
            heard.request_id = response.headers.get("x-request-id")
            try:
                yield Answer(heard.request_id, asked, response, self._reading)
            finally:
                await response.aclose()

    async def look_up(self, model: str, setting: str) -> Checkup:
        """What OpenAI says of a model; takes no money.

        Raises:
            AppError: as `answer`.
        """
        async with self._asking(Asked(model, setting, self.api_key.strip()), _Heard()) as (vendor, _):
            found = (await vendor.models.retrieve(model)).to_dict()
            return Checkup(model, _day(found.get("shutdown_date")))

    @asynccontextmanager
    async def _asking(self, asked: Asked, heard: "_Heard") -> AsyncGenerator[tuple[_Vendor, Asked]]:
        if not _SENDABLE_KEY.fullmatch(asked.api_key):  # else the HTTP library's exception would quote it
            raise unsendable_key()
        if self._vendor is None:
            raise wrong_address()
        try:
            yield self._vendor, asked
        except openai.APIStatusError as error:
            raise refused(error, asked) from None  # its text is the whole answer, which may quote the key
        except openai.APIConnectionError as error:
            raise lost(error.__cause__ or error, heard.request_id) from error
        except _LOST as error:
            raise lost(error, heard.request_id) from error

    async def close(self) -> None:
        """Close the pool; calls under way fail."""
        await self.http.aclose()


@dataclass(slots=True)
class _Heard:
    """What is known of an answer when it breaks off."""

    request_id: str | None = None


def _day(value: object) -> date | None:
    """A day as text, or as seconds since 1970; null for all else."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).date()
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
