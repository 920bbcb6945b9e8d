"""A running engine with a job that the test drives."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from beanie import PydanticObjectId, init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter of it is untyped
from pymongo.asynchronous.database import AsyncDatabase

from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.model import Generation, Recipe
from app.generations.runner import Runner
from app.generations.service import Generations
from app.generations.work import Work

RECIPE = Recipe(task="TEST", prompts=("a",), pictures=(), provider="test", model="test-1")


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
    generations: Generations

    @asynccontextmanager
    async def working(self, slots: int = 2) -> AsyncGenerator[None]:
        async with self.queue.serve(self.runner.run, slots):
            yield

    async def start(self, owner: PydanticObjectId | None = None, key: str | None = None) -> Generation:
        return await self.generations.start(owner or PydanticObjectId(), "TEST", RECIPE, key)

    async def ended(self, generation: Generation) -> Generation:
        """The generation after its last event."""
        async with asyncio.timeout(60):
            async for _ in self.generations.follow(generation.identity, 0):
                pass
        found = await Generation.get(generation.identity)
        assert found is not None
        return found


type MakeEngine = Callable[..., Engine]


@pytest.fixture
async def make_engine(database: AsyncDatabase[dict[str, Any]]) -> MakeEngine:
    await init_beanie(database=database, document_models=[Generation])

    def make(script: Callable[[Work], Awaitable[None]], worker: str = "w1", lease_s: float = 30) -> Engine:
        job, queue, hub = ScriptedJob(script), InProcessQueue(), InProcessHub(recheck_s=0.2)
        runner = Runner({"TEST": job}, queue, hub, worker, lease_s=lease_s, sweep_every_s=0.05)
        return Engine(job, queue, hub, runner, Generations(queue, hub))

    return make


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that only the database knows, 10 s at most."""
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110 - another process may write it: there is no event to wait for
            await asyncio.sleep(0.02)
