"""A running engine with a job that the test drives."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.costs.budgets import Budgets
from app.costs.days import BudgetDay
from app.generations.closing import Closing
from app.generations.events import GenerationEvent
from app.generations.following import keep_caught_up, progress
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.generations.retries import RetryPolicy
from app.generations.runner import Runner
from app.generations.service import Generations, OwnerLimits
from app.generations.slots import ProviderLimits, ProviderSlots
from app.generations.sweeper import Sweeper
from app.generations.switch import Switch, Turn
from app.generations.work import Work
from tests.indexed import point_at

RECIPE = Recipe(task="TEST", prompts=("a",), pictures=(), provider="test", model="test-1")
_SWEEP_S = 0.05


@dataclass
class ScriptedJob:
    """Does what the test says; remembers what was completed."""

    script: Callable[[Work], Awaitable[None]]
    completed: list[PydanticObjectId] = field(default_factory=list[PydanticObjectId])

    async def run(self, work: Work) -> None:
        await self.script(work)

    async def complete(self, generation: Generation) -> None:
        self.completed.append(generation.result_id)


@dataclass
class Engine:
    """One process's engine."""

    job: ScriptedJob
    queue: InProcessQueue
    hub: InProcessHub
    runner: Runner
    sweeper: Sweeper
    generations: Generations

    @asynccontextmanager
    async def working(self, slots: int = 2) -> AsyncGenerator[None]:
        """Serving, heeding cancels and keeping followers caught up; the sweep is each test's own affair."""
        async with self.queue.serve(self.runner.run, slots):
            duties = (self.runner.heed_cancels(), keep_caught_up(self.hub.followers, self.generations.clock, 0.2))
            tasks = [asyncio.create_task(duty) for duty in duties]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    async def start(self, owner: PydanticObjectId | None = None, key: str | None = None) -> Generation:
        return await self.generations.start(owner or PydanticObjectId(), "TEST", RECIPE, key)

    def follow(self, generation: Generation, after: int = 0) -> AsyncGenerator[GenerationEvent]:
        return progress(self.hub, generation.owner_id, generation.identity, after)

    async def ended(self, generation: Generation) -> Generation:
        """The generation after its last event, and after the process has done with it."""
        async with asyncio.timeout(60):
            async for _ in self.follow(generation):
                pass
        await until(lambda: _is_done_with(generation))
        return await stored(generation)


async def _is_done_with(generation: Generation) -> bool:
    lane = await Lane.get(generation.owner_id)
    return lane is None or generation.identity not in lane.open


async def stored(generation: Generation) -> Generation:
    """As the database has it, with its events."""
    found = await Generation.get(generation.identity)
    assert found is not None
    return found


type MakeEngine = Callable[..., Engine]


@pytest.fixture
async def make_engine(database: AsyncDatabase[dict[str, Any]]) -> MakeEngine:
    await point_at(database, [Generation, Lane, ProviderSlots, BudgetDay, Turn])

    def make(
        script: Callable[[Work], Awaitable[None]],
        worker: str = "w1",
        lease_s: float = 30,
        limits: OwnerLimits | None = None,
        retries: RetryPolicy | None = None,
        calls_at_once: dict[str, int] | None = None,
        budgets: Budgets | None = None,
    ) -> Engine:
        job, queue, hub = ScriptedJob(script), InProcessQueue(), InProcessHub()
        jobs, limits, switch = {"TEST": job}, limits or OwnerLimits(), Switch()
        closing = Closing(jobs, queue, hub, limits.running, budgets or Budgets())
        runner = Runner(
            jobs,
            queue,
            hub,
            closing,
            worker,
            ProviderLimits(calls_at_once or {}, 30),
            retries or RetryPolicy(attempts=1),
            switch,
            lease_s,
        )
        sweeper = Sweeper(queue, limits.running, _SWEEP_S, switch)
        generations = Generations(queue, hub, closing, limits, {"TEST": _as_it_is})
        return Engine(job, queue, hub, runner, sweeper, generations)

    return make


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Wait for something that only the database knows."""
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110 - another process may write it: there is no event to wait for
            await asyncio.sleep(0.02)


async def _as_it_is(recipe: Recipe) -> Recipe:
    return recipe
