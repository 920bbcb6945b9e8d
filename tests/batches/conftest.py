"""Batches of work that does nothing, over a real engine whose worker is called by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.batches.model import Batch
from app.batches.progress import ItemStanding, standing_of
from app.batches.service import Batches, Chosen, Wanted
from app.batches.starting import Starter
from app.errors import AppError, ErrorCode
from app.generations.closing import Closing
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.generations.retries import RetryPolicy
from app.generations.runner import Runner
from app.generations.service import Generations, OwnerLimits
from app.generations.slots import ProviderLimits, ProviderSlots
from app.generations.work import Work
from tests.indexed import point_at

WANTED = Wanted("TEST", {"wish": "shine"}, "the same input")


async def _nothing(place: int) -> None: ...


@dataclass
class Bench:
    """Implements `StartItem` and `Job`: does as the test says.

    `before` and `after` are called around the start of each item with how many came before it. `refused` can't be
    started, the generations of `failing` fail; both are subjects.
    """

    generations: Generations
    before: Callable[[int], Awaitable[None]] = _nothing
    after: Callable[[int], Awaitable[None]] = _nothing
    refused: set[PydanticObjectId] = field(default_factory=set[PydanticObjectId])
    failing: set[PydanticObjectId] = field(default_factory=set[PydanticObjectId])
    started: list[PydanticObjectId] = field(default_factory=list[PydanticObjectId])

    async def __call__(self, batch: Batch, subject_id: PydanticObjectId, key: str) -> Generation:
        place = len(self.started)
        await self.before(place)
        if subject_id in self.refused:
            raise AppError(ErrorCode.NOT_FOUND, "There is no such thing.")
        recipe = Recipe(
            task="TEST",
            prompts=(str(subject_id),),
            pictures=(),
            provider="test",
            model="1",
            parameters=batch.parameters,
        )
        started = await self.generations.start(batch.owner_id, "TEST", recipe, key, batch_id=batch.identity)
        await self.after(place)
        self.started.append(subject_id)
        return started


@dataclass
class FailingJob:
    """Fails for some subjects."""

    failing: Callable[[], set[PydanticObjectId]]

    async def run(self, work: Work) -> None:
        if PydanticObjectId(work.generation.recipe.prompts[0]) in self.failing():
            raise AppError(ErrorCode.CONTENT_BLOCKED, "Not this one.")

    async def complete(self, generation: Generation) -> None: ...


@dataclass
class Office:
    """One process that takes batches in."""

    batches: Batches
    bench: Bench
    runner: Runner
    hub: InProcessHub
    owner_id: PydanticObjectId = field(default_factory=PydanticObjectId)

    async def start(self, subjects: Sequence[PydanticObjectId], key: str | None = None) -> Batch:
        async def choose() -> Chosen:
            return Chosen(subjects)

        return await self.batches.start(self.owner_id, WANTED, choose, key)

    async def now(self, batch: Batch) -> Batch:
        """As it is stored."""
        found = await self.batches.of(self.owner_id, batch.identity)
        assert found
        return found

    async def standing(self, batch: Batch) -> list[ItemStanding]:
        return await standing_of(await self.now(batch))

    async def statuses(self, batch: Batch) -> list[str]:
        return [one.status.value for one in await self.standing(batch)]

    async def work(self, batch: Batch) -> None:
        """Do all that was started, one after another."""
        for generation_id in (await self.now(batch)).generation_ids:
            await self.runner.run(generation_id)

    async def generations(self) -> list[Generation]:
        """All that there are, oldest first."""
        return await Generation.find_all().sort("_id").to_list()

    async def sweep(self) -> None:
        """As it is done a long time later."""
        await Batch.rows().update_many({"settled": False}, [{"$set": {"busyUntil": {"$subtract": ["$$NOW", 1]}}}])
        await self.batches.finish_left_over()


type MakeOffice = Callable[..., Office]


@pytest.fixture
async def make_office(database: AsyncDatabase[dict[str, Any]]) -> MakeOffice:
    await point_at(database, [Generation, Lane, ProviderSlots, Batch])

    def make(limits: OwnerLimits | None = None, workers_hub: InProcessHub | None = None) -> Office:
        queue, hub, limits = InProcessQueue(), InProcessHub(), limits or OwnerLimits()
        jobs = {"TEST": FailingJob(lambda: bench.failing)}
        closing = Closing(jobs, queue, workers_hub or hub, limits.running)
        generations = Generations(queue, hub, closing, limits, {"TEST": _as_it_is})
        bench = Bench(generations)
        limits_of_calls, once = ProviderLimits({}, 30), RetryPolicy(attempts=1)
        runner = Runner(jobs, queue, workers_hub or hub, closing, "w1", limits_of_calls, once)
        return Office(Batches(Starter(generations, {"TEST": bench})), bench, runner, hub)

    return make


async def listening(office: Office) -> None:
    """Return once somebody follows and has dealt with all that there was."""
    followers = office.hub.followers
    async with asyncio.timeout(30):
        while not (followers.count and followers.idle):  # noqa: ASYNC110 - a follower has no event for it
            await asyncio.sleep(0)


@pytest.fixture
def office(make_office: MakeOffice) -> Office:
    return make_office()


def subjects(count: int) -> list[PydanticObjectId]:
    return [PydanticObjectId() for _ in range(count)]


async def _as_it_is(recipe: Recipe) -> Recipe:
    return recipe
