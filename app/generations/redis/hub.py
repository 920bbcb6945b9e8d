"""The event hub of many processes: Redis pub/sub, one connection a process."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from beanie import PydanticObjectId
from coredis import ConnectionPool
from coredis.connection import BaseConnection
from pydantic import ValidationError

from app.generations.events import GenerationEvent
from app.generations.followers import Followers
from app.generations.model import Generation
from app.generations.redis.link import UNREACHABLE, connection_pool, kept
from app.logs import logger

_log = logger(__name__)
_CHANNEL: Final = "regen:generation:"
_ANSWER_S = 1.0
_PING_EVERY_S = 5.0
_RECHECK_S = 5.0


@dataclass(slots=True)
class RedisHub:
    """Carries events between processes; without Redis, inside this one only.

    Commands and subscriptions share one connection and are answered in their order: a PING that is answered
    says that the subscription sent before it is in place.
    """

    url: str = field(repr=False)
    recheck_s: float = _RECHECK_S
    _followers: Followers = field(default_factory=Followers)
    _connection: BaseConnection | None = None

    @property
    def followers(self) -> int:
        """How many follow something in this process now."""
        return self._followers.count

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """While entered, connected whenever Redis is there."""

        async def keep(connected: Callable[[], None]) -> None:
            async with connection_pool(self.url, _ANSWER_S) as pool:
                await self._session(pool, connected)

        async with kept("events", keep):
            yield

    async def publish(self, generation: Generation, event: GenerationEvent) -> None:
        """Tell the followers in every process, or in this one when Redis is gone; never raises for that."""
        generation_id = generation.identity
        message = event.model_dump_json(by_alias=True, exclude_defaults=True)
        if not await self._told(b"PUBLISH", f"{_CHANNEL}{generation_id}", message):
            self._followers.offer(generation_id, event)

    @asynccontextmanager
    async def follow(self, generation_id: PydanticObjectId) -> AsyncGenerator[AsyncIterator[GenerationEvent | None]]:
        """Register at once, subscribe within a second when Redis is there.

        A null comes where events were missed, after each reconnect, and at least every `recheck_s` seconds.
        """
        try:
            with self._followers.joined(generation_id) as follower:
                self._send(b"SUBSCRIBE", generation_id)
                await self._told(b"PING")
                yield follower.events(self.recheck_s)
        finally:
            if generation_id not in self._followers.followed:
                self._send(b"UNSUBSCRIBE", generation_id)

    async def _told(self, command: bytes, *arguments: str) -> bool:
        connection = self._connection
        if connection is None:
            return False
        try:
            await connection.create_request(command, *arguments)
        except UNREACHABLE:
            connection.invalidate()
            return False
        return True

    def _send(self, command: bytes, *generation_ids: PydanticObjectId) -> None:
        """Queue a command that has no answer of its own; what is lost with the connection, the next one does."""
        if self._connection is not None and self._connection.usable and generation_ids:
            self._connection.send_command(command, *(f"{_CHANNEL}{generation_id}" for generation_id in generation_ids))

    async def _session(self, pool: ConnectionPool[Any], connected: Callable[[], None]) -> None:
        async with pool.acquire() as connection, asyncio.TaskGroup() as group:
            group.create_task(self._listen(connection))
            self._connection = connection
            try:
                followed = self._followers.followed
                self._send(b"SUBSCRIBE", *followed)
                await connection.create_request(b"PING")
                for generation_id in followed:
                    self._followers.miss(generation_id)
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
                case ["message", str(channel), str(message)]:
                    self._hear(PydanticObjectId(channel.removeprefix(_CHANNEL)), message)
                case _:  # acknowledgements
                    pass

    def _hear(self, generation_id: PydanticObjectId, message: str) -> None:
        try:
            event = GenerationEvent.model_validate_json(message)
        except ValidationError:
            _log.warning("event_not_understood", generation=str(generation_id))
            self._followers.miss(generation_id)
        else:
            self._followers.offer(generation_id, event)
