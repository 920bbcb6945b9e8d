"""A process at work: everything open, and what it does besides answering."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from app.bootstrap.database import DOCUMENTS, opened_database
from app.bootstrap.parts import Parts
from app.database.alone import alone
from app.database.connection import Connection
from app.database.sharing import shared
from app.database.upgrade import require_layouts
from app.generations.following import keep_caught_up
from app.generations.ports import Serving
from app.logs import logger

_log = logger(__name__)
_AGAIN_S = 1
_GIVE_BACK_S = 1.5
_OPERATION_S = 5
"""A request that can't have its answer from the database says so soon."""


@dataclass(frozen=True, slots=True)
class Working:
    """A process at work; `serving` is null in one that only takes work in, `begun` what ends with the work."""

    connection: Connection
    serving: Serving | None
    grace_s: float
    begun: AsyncExitStack

    async def drain(self) -> None:
        """Claim nothing more; what runs gets its grace to end."""
        if self.serving is not None:
            await self.serving.drain(self.grace_s)

    async def give_back(self) -> bool:
        """Cancel what still runs and give it back to the queue; who follows it hears of it, for all else stays open.

        False when that takes too long, because the database hangs: then the leases run out.
        """
        try:
            async with asyncio.timeout(_GIVE_BACK_S):
                await self.begun.aclose()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def working(parts: Parts) -> AsyncGenerator[Working]:
    """The database open and this process working on generations.

    At the exit nothing new is claimed and what runs is given back to the queue.
    """
    slots = parts.settings.worker_slots
    async with AsyncExitStack() as stack:
        for link in parts.links:
            await stack.enter_async_context(link())
        opened = opened_database(parts.settings, parts.server, deadline_s=_OPERATION_S)
        connection = await stack.enter_async_context(opened)
        await require_layouts(connection.database, DOCUMENTS)
        stack.enter_context(shared(parts.server))
        stack.push_async_callback(parts.close)
        if parts.settings.real("mongodb_url") and not parts.settings.real("redis_url"):
            await stack.enter_async_context(alone(connection.database))
        begun = await stack.enter_async_context(AsyncExitStack())
        serving = await begun.enter_async_context(parts.queue.serve(parts.runner.run, slots)) if slots else None
        clock, accounts = parts.services.generations.clock, parts.services.accounts
        await clock.set(connection.database)
        await accounts.erasures.learn()
        await accounts.sessions.learn()
        outside = accounts.outside
        duties = (
            parts.sweeper.run,
            partial(keep_caught_up, parts.hub.followers, clock),
            parts.runner.heed_cancels,
            parts.services.batches.errands.run,
            accounts.erasures.keep_known,
            *((accounts.sessions.keep_known,) if parts.settings.real("redis_url") else ()),  # else nobody else ends any
            *((outside.tokens.keys.run,) if outside else ()),
        )
        tasks = [asyncio.create_task(_kept(duty)) for duty in duties]
        try:
            yield Working(connection, serving, parts.settings.shutdown_grace_s, begun)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _kept(duty: Callable[[], Awaitable[None]]) -> None:
    """Do it for as long as the process lives, whatever goes wrong."""
    while True:
        try:
            await duty()
        except Exception:  # noqa: BLE001 - nobody waits for it: it would end unseen, and be missed
            _log.exception("duty_failed")
        await asyncio.sleep(_AGAIN_S)
