"""A connection to Redis that is opened, noticed when it is lost, and opened again."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from anyio import BrokenResourceError, ClosedResourceError
from coredis import ConnectionPool
from coredis.exceptions import RedisError

from app.errors import first_cause
from app.logs import logger

_log = logger(__name__)
_CONNECT_S = 1.0
_RETRY_S = 0.3
_START_S = 2.0

UNREACHABLE = (RedisError, OSError, BrokenResourceError, ClosedResourceError)
"""What a command raises when Redis is gone, too slow, or lost what it knew."""

type Session = Callable[[Callable[[], None]], Awaitable[None]]
"""Lives as long as one connection does; calls what it is given once it is connected."""


def place(url: str) -> str:
    """Host and port of a Redis URL, or the path of its socket; never its credentials."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{host}:{parts.port or 6379}" if host else parts.path


def connection_options(answer_s: float) -> dict[str, Any]:
    """Keyword arguments of coredis: a deadline on connecting and of `answer_s` seconds on each answer."""
    return {
        "connect_timeout": _CONNECT_S,
        "stream_timeout": answer_s,
        "decode_components": True,
        "decode_responses": True,
    }


def connection_pool(url: str, answer_s: float) -> ConnectionPool[Any]:
    """A pool that is entered without Redis, too: it connects when something is asked of it."""
    return ConnectionPool.from_url(url, **connection_options(answer_s))


@asynccontextmanager
async def kept(part: str, session: Session) -> AsyncGenerator[None]:
    """While entered, run `session` again after each loss; goes in without Redis after 2 seconds.

    It runs in a task of its own, because a pool belongs to the task that opened it.
    """
    connected, leaving = asyncio.Event(), asyncio.Event()
    keeper = asyncio.create_task(_keep(part, session, connected.set, leaving))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_START_S):
                await connected.wait()
        yield
    finally:
        leaving.set()
        keeper.cancel()
        await asyncio.wait([keeper])


async def _keep(part: str, session: Session, on_connected: Callable[[], None], leaving: asyncio.Event) -> None:
    away = False

    def connected() -> None:
        nonlocal away
        if away:
            _log.info("redis_back", part=part)
        away = False
        on_connected()

    while not leaving.is_set():
        try:
            await session(connected)
        except Exception as error:  # noqa: BLE001 - whatever broke this session, the next one starts afresh
            if leaving.is_set():  # a cancellation that meets an error is lost, and anyio may even take back its count
                return
            if not away:
                _log.warning("redis_away", part=part, reason=repr(first_cause(error)))
            away = True
        await asyncio.sleep(_RETRY_S)
