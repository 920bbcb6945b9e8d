"""Counters of all processes together, in windows that end by themselves."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final, cast, override

from limits.aio.storage import Storage

from app.generations.redis.link import UNREACHABLE, connection_pool, kept

if TYPE_CHECKING:
    from coredis.connection import BaseConnection

_KEY: Final = "regen:limit:"
_ANSWER_S: Final = 1.0
_PING_EVERY_S: Final = 5.0
_COUNT: Final = """local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count"""
"""A counter without an end would lock somebody out for good: it gets one in the same step."""


class RedisCounters(Storage):
    """A storage for `limits`; while Redis is away, each process counts for itself, in `alone`.

    One connection: commands on it are answered in their order, and none waits for the answer to another.
    """

    STORAGE_SCHEME = None

    def __init__(self, url: str, alone: Storage) -> None:
        super().__init__()
        self._url = url
        self._alone = alone
        self._connection: BaseConnection | None = None
        self._lost = asyncio.Event()

    @property
    @override
    def base_exceptions(self) -> type[Exception]:
        """See the base; none is raised here."""
        return ValueError

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """While entered, connected whenever Redis is there."""
        async with kept("limits", self._session):
            yield

    @override
    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; a window of `expiry` seconds begins where none is open."""
        answer = await self._asked(b"EVAL", _COUNT, 1, _name(key), amount, 1_000 * expiry)
        return await self._alone.incr(key, expiry, amount) if answer is None else answer

    @override
    async def get(self, key: str) -> int:
        """The count of the open window."""
        answer = await self._asked(b"EVAL", "return tonumber(redis.call('GET', KEYS[1]) or 0)", 1, _name(key))
        return await self._alone.get(key) if answer is None else answer

    @override
    async def get_expiry(self, key: str) -> float:
        """When the open window ends; now where none is open."""
        left_ms = await self._asked(b"PTTL", _name(key))
        return await self._alone.get_expiry(key) if left_ms is None else time.time() + max(0, left_ms) / 1_000

    @override
    async def check(self) -> bool:
        """Whether Redis is there."""
        return self._connection is not None

    @override
    async def reset(self) -> int | None:
        """Forget what this process counted alone: the rest is everybody's, and ends by itself."""
        return await self._alone.reset()

    @override
    async def clear(self, key: str) -> None:
        """Forget one counter."""
        await self._asked(b"DEL", _name(key))
        await self._alone.clear(key)

    async def _asked(self, command: bytes, *arguments: str | int) -> int | None:
        """Redis' answer; null when it is away."""
        connection = self._connection
        if connection is None:
            return None
        try:
            return cast("int", await connection.create_request(command, *arguments))
        except UNREACHABLE:
            if connection is self._connection:
                self._connection = None
                self._lost.set()
            return None

    async def _session(self, connected: Callable[[], None]) -> None:
        async with connection_pool(self._url, _ANSWER_S) as pool, pool.acquire() as connection:
            await connection.create_request(b"PING")
            self._connection = connection
            self._lost.clear()
            connected()
            try:
                while not self._lost.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._lost.wait(), _PING_EVERY_S)
                    await connection.create_request(b"PING")
            finally:
                self._connection = None
                connection.invalidate()


def _name(key: str) -> str:
    """Without the address or the e-mail that the key holds."""
    return _KEY + sha256(key.encode()).hexdigest()[:32]
