"""One process's engine, and the database that it works on."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self

from app.database.connection import connect
from app.database.document import DocumentTypes
from app.generations.closing import Closing
from app.generations.following import keep_caught_up
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.generations.ports import EventHub, Job, WorkQueue
from app.generations.recipe import Recipe
from app.generations.redis.hub import RedisHub
from app.generations.redis.queue import RedisQueue
from app.generations.retries import RetryPolicy
from app.generations.runner import Runner
from app.generations.service import Generations, OwnerLimits
from app.generations.slots import ProviderLimits, ProviderSlots
from app.generations.sweeper import Sweeper
from app.generations.switch import Switch, Turn
from bench.engine_parts.jobs import Answer

_SLOTS = 24
_DOCUMENTS: DocumentTypes = (Generation, Lane, ProviderSlots, Turn)
_OPERATION_S = 5
_GEMINI_CALLS = 8
_CALL_S = 70
_RETRY_S = 0.01


@asynccontextmanager
async def database(url: str, name: str) -> AsyncGenerator[None]:
    """While entered, the documents of this process are those of that database."""
    connection = await connect(url, _DOCUMENTS, name=name, deadline_s=_OPERATION_S)
    try:
        yield
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True)
class Engine:
    """Put together as the server does it."""

    queue: WorkQueue
    hub: EventHub
    runner: Runner
    sweeper: Sweeper
    generations: Generations

    @classmethod
    def of(cls, jobs: Mapping[str, Job], queue: WorkQueue, hub: EventHub) -> Self:
        """With the limits of the default settings; only a retry comes at once."""
        limits, switch = OwnerLimits(), Switch()
        closing = Closing(jobs, queue, hub, limits.running)
        calls = ProviderLimits({"gemini": _GEMINI_CALLS}, _CALL_S)
        runner = Runner(jobs, queue, hub, closing, "bench", calls, RetryPolicy(first_s=_RETRY_S), switch)
        sweeper = Sweeper(queue, limits.running, switch=switch)
        generations = Generations(queue, hub, closing, limits, dict.fromkeys(jobs, _as_it_is))
        return cls(queue, hub, runner, sweeper, generations)

    @asynccontextmanager
    async def working(self, answer: Answer | None) -> AsyncGenerator[None]:
        """While entered, all duties of a process are done; with `answer`, rings are answered."""
        async with AsyncExitStack() as stack:
            if answer:
                await stack.enter_async_context(self.queue.serve(answer, _SLOTS))
            caught_up = keep_caught_up(self.hub.followers, self.generations.clock)
            duties = (self.sweeper.run(), caught_up, self.runner.heed_cancels())
            tasks = [asyncio.create_task(duty) for duty in duties]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)


def in_process(jobs: Mapping[str, Job]) -> Engine:
    """The engine of a server without Redis."""
    return Engine.of(jobs, InProcessQueue(), InProcessHub())


@asynccontextmanager
async def over_redis(jobs: Mapping[str, Job], url: str) -> AsyncGenerator[Engine]:
    """The engine of one of many processes."""
    queue, hub = RedisQueue(url), RedisHub(url)
    async with queue.opened(), hub.opened():
        yield Engine.of(jobs, queue, hub)


async def _as_it_is(recipe: Recipe) -> Recipe:
    return recipe
