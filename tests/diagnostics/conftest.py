"""Diagnostics over a real engine whose worker is called by hand, a real database, and the simulated providers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.accounts.model import User
from app.bootstrap.parts import Parts, assemble
from app.database.document import utc_now
from app.diagnostics.jobs import DiagnosticsJob
from app.diagnostics.results import GENERATION_KIND, Result, Run
from app.diagnostics.service import Diagnostics
from app.diagnostics.suites import Suite
from app.generations.following import progress
from app.generations.model import Generation
from app.generations.runner import Runner
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.given import settings_from
from tests.indexed import opened_indexed

_BARE: Mapping[str, None] = dict.fromkeys(("redis_url", "google_api_key", "openai_api_key", "cloudinary_url"))


async def person(*, is_admin: bool) -> PydanticObjectId:
    """Somebody with an account."""
    user = User(
        email=f"{uuid4().hex}@example.com",
        email_key=uuid4().hex,
        name="Ada",
        password_hash="x",
        created_at=utc_now(),
        is_admin=is_admin,
    )
    assert await user.insert_if_free()
    return user.identity


@dataclass(frozen=True)
class Lab:
    """One process, for one administrator; `parts` are its own."""

    parts: Parts
    owner_id: PydanticObjectId

    @property
    def diagnostics(self) -> Diagnostics:
        return self.parts.services.diagnostics

    @property
    def job(self) -> DiagnosticsJob:
        job = self.parts.runner.jobs[GENERATION_KIND]
        assert isinstance(job, DiagnosticsJob)
        return job

    def runner(self, job: DiagnosticsJob) -> Runner:
        """Who works with another job."""
        jobs = {**self.parts.runner.jobs, GENERATION_KIND: job}
        return replace(self.parts.runner, jobs=jobs, closing=replace(self.parts.runner.closing, jobs=jobs))

    async def started(self, suite: Suite = Suite.PROVIDERS) -> Generation:
        return await self.diagnostics.start(self.owner_id, suite, None)

    async def run(self, suite: Suite, job: DiagnosticsJob | None = None) -> Run:
        """A run that has ended, made by that job; null: by the process's own."""
        generation = await self.started(suite)
        await self.runner(job or self.job).run(generation.identity)
        return Run.of(await self.now(generation))

    async def ended(self, generation: Generation) -> None:
        """Wait for its end, whoever works on it."""
        async for _ in progress(self.parts.hub, self.owner_id, generation.identity, 0):
            pass

    async def chore(self, name: str) -> None:
        """What a sweep does under that name, now."""
        (chore,) = [one for one in self.parts.sweeper.chores if one.name == name]
        await chore.run()

    async def now(self, generation: Generation) -> Generation:
        """As it is stored."""
        found = await Generation.get(generation.identity)
        assert found is not None
        return found


def results_of(run: Run) -> dict[str, Result]:
    """The tests' results by their names."""
    return {one.probe.name: one.result for one in run.tests}


def statuses_of(run: Run) -> dict[str, str]:
    """The tests' statuses by their names."""
    return {name: str(result.status) for name, result in results_of(run).items()}


type MakeLab = Callable[..., Awaitable[Lab]]


@pytest.fixture(scope="session")
def _simulated() -> Iterator[Simulator]:
    with simulated_providers() as simulator:
        yield simulator


@pytest.fixture
def simulator(_simulated: Simulator) -> Simulator:
    """The providers' stand-in, as if nobody had called it yet."""
    _simulated.reset()
    return _simulated


@pytest.fixture
async def make_lab(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[MakeLab]:
    """Makes labs over the test's database; `settings` by the names of fields."""
    url = urlsplit(mongodb_url)._replace(path=f"/{database.name}").geturl()
    async with AsyncExitStack() as stack:

        async def make(simulator: Simulator | None = None, **settings: Any) -> Lab:
            simulated = simulator.settings.items() if simulator else ()
            keys = {name.lower(): value for name, value in simulated if not name.startswith("CLOUDINARY")}
            given = {**_BARE, "data_dir": tmp_path, "mongodb_url": url, **keys, **settings}
            parts = assemble(settings_from(given))
            await stack.enter_async_context(opened_indexed(parts))
            stack.push_async_callback(parts.close)
            return Lab(parts, await person(is_admin=True))

        yield make


@pytest.fixture
async def lab(make_lab: MakeLab, simulator: Simulator) -> Lab:
    """With simulated providers."""
    return await make_lab(simulator)


@pytest.fixture
async def bare_lab(make_lab: MakeLab) -> Lab:
    """Without any key."""
    return await make_lab()
