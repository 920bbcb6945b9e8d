"""The event hub of many processes: Redis pub/sub, one connection a process."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from beanie import PydanticObjectId
from coredis import ConnectionPool
from coredis.connection import BaseConnection
from pydantic import TypeAdapter, ValidationError

from app.generations.events import GenerationEvent
from app.generations.followers import CallOffs, Follower, Followers, News
from app.generations.redis.link import UNREACHABLE, connection_pool, kept
from app.logs import logger

_log = logger(__name__)
_OWNER: Final = "regen:owner:"
_CALLED_OFF: Final = "regen:called-off"
_MESSAGE: Final = TypeAdapter(News)
_ANSWER_S = 1.0
_PING_EVERY_S = 5.0


@dataclass(slots=True)
class RedisHub:
    """Carries events between processes; without Redis, inside this one only.

    Commands and subscriptions share one connection and are answered in their order: a PING that is answered
    says that the subscription sent before it is in place.
    """

    url: str = field(repr=False)
    _followers: Followers = field(default_factory=Followers)
    _call_offs: CallOffs = field(default_factory=CallOffs)
    _connection: BaseConnection | None = None

    @property
    def followers(self) -> Followers:
        """Those of this process."""
        return self._followers

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """While entered, connected whenever Redis is there."""

        async def keep(connected: Callable[[], None]) -> None:
            async with connection_pool(self.url, _ANSWER_S) as pool:
                await self._session(pool, connected)

        async with kept("events", keep):
            yield

    async def publish(
        self, owner_id: PydanticObjectId, generation_id: PydanticObjectId, event: GenerationEvent
    ) -> None:
        """Tell the followers in every process, or in this one when Redis is gone; never raises for that."""
        news = News(generation_id, event)
        message = _MESSAGE.dump_json(news, by_alias=True, exclude_defaults=True)
        if not await self._told(b"PUBLISH", _channel(owner_id), message):
            self._followers.offer(owner_id, news)

    @asynccontextmanager
    async def follow(
        self, owner_id: PydanticObjectId, generation_id: PydanticObjectId | None
    ) -> AsyncGenerator[Follower]:
        """Register at once, subscribe within a second when Redis is there; a null comes after each reconnect."""
        is_first = owner_id not in self._followers
        try:
            with self._followers.joined(owner_id, generation_id) as follower:
                if is_first:
                    self._send(b"SUBSCRIBE", _channel(owner_id))
                await self._told(b"PING")
                yield follower
        finally:
            if owner_id not in self._followers:
                self._send(b"UNSUBSCRIBE", _channel(owner_id))

    async def call_off(self, generation_id: PydanticObjectId) -> None:
        """Tell the workers in every process, or in this one when Redis is gone; never raises for that."""
        if not await self._told(b"PUBLISH", _CALLED_OFF, str(generation_id)):
            self._call_offs.offer(generation_id)

    @asynccontextmanager
    async def called_off(self) -> AsyncGenerator[AsyncIterator[PydanticObjectId]]:
        """Register at once, subscribe within a second when Redis is there."""
        is_first = not self._call_offs.wanted
        try:
            with self._call_offs.heard() as ids:
                if is_first:
                    self._send(b"SUBSCRIBE", _CALLED_OFF)
                await self._told(b"PING")
                yield ids
        finally:
            if not self._call_offs.wanted:
                self._send(b"UNSUBSCRIBE", _CALLED_OFF)

    async def _told(self, command: bytes, *arguments: str | bytes) -> bool:
        connection = self._connection
        if connection is None:
            return False
        try:
            await connection.create_request(command, *arguments)
        except UNREACHABLE:
            connection.invalidate()
            return False
        return True

    def _send(self, command: bytes, *channels: str) -> None:
        """Queue a command that has no answer of its own; what is lost with the connection, the next one does."""
        if self._connection is not None and self._connection.usable and channels:
            self._connection.send_command(command, *channels)

    def _channels(self) -> list[str]:
        """All that this process listens to."""
        owners = [_channel(owner_id) for owner_id in self._followers.owners]
        return [*owners, _CALLED_OFF] if self._call_offs.wanted else owners

    async def _session(self, pool: ConnectionPool[Any], connected: Callable[[], None]) -> None:
        async with pool.acquire() as connection, asyncio.TaskGroup() as group:
            group.create_task(self._listen(connection))
            self._connection = connection
            try:
                self._send(b"SUBSCRIBE", *self._channels())
                await connection.create_request(b"PING")
                self._followers.miss_all()
                connected()
                while True:
                    await asyncio.sleep(_PING_EVERY_S)
                    await connection.create_request(b"PING")
            finally:
                self._connection = None
                connection.invalidate()

    async def _listen(self, connection: BaseConnection) -> None:
        async for push in connection.push_messages:
            match push:
                case ["message", str(channel), str(message)] if channel == _CALLED_OFF:
                    self._call_offs.offer(PydanticObjectId(message))
                case ["message", str(channel), str(message)]:
                    self._hear(PydanticObjectId(channel.removeprefix(_OWNER)), message)
                case _:  # acknowledgements
                    pass

    def _hear(self, owner_id: PydanticObjectId, message: str) -> None:
        try:
            news = _MESSAGE.validate_json(message)
        except ValidationError:
            _log.warning("event_not_understood", owner=str(owner_id))
            self._followers.miss(owner_id)
        else:
            self._followers.offer(owner_id, news)


def _channel(owner_id: PydanticObjectId) -> str:
    return f"{_OWNER}{owner_id}"
