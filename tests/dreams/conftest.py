"""Dreams over a real engine whose worker is called by hand, a real database, and the simulated providers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.bootstrap.parts import Parts, assemble
from app.database.keyset import Stretch
from app.dreams.model import Dream
from app.dreams.recipes import Again
from app.dreams.service import Dreams, Recorded
from app.dreams.telling import Told
from app.dreams.versions import DreamVersion
from app.generations.following import progress
from app.generations.lanes import Lane
from app.generations.model import OPEN, Generation
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.given import settings_from
from tests.indexed import opened_indexed

DREAM = "I fell from a tower into the sea and was afraid. A whale sang, and my grandmother caught me."
_BARE: Mapping[str, None] = dict.fromkeys(("redis_url", "google_api_key", "openai_api_key", "cloudinary_url"))


@dataclass(frozen=True)
class Desk:
    """One process that takes dreams in, for one person; `parts` are its own."""

    parts: Parts
    owner_id: PydanticObjectId

    @property
    def dreams(self) -> Dreams:
        return self.parts.services.dreams

    async def record(self, text: str = DREAM, key: str | None = None, **more: Any) -> Recorded:
        return await self.dreams.record(self.owner_id, Told(text, **more), key)

    async def recorded(self, text: str = DREAM, **more: Any) -> Dream:
        """One whose work has ended."""
        recorded = await self.record(text, **more)
        assert recorded.refusal is None
        await self.work()
        return await self.now(recorded.dream)

    async def again(self, dream: Dream, again: Again | None = None, key: str | None = None) -> Generation:
        return await self.dreams.regenerate(self.owner_id, dream.identity, again or Again(), key)

    async def now(self, dream: Dream) -> Dream:
        """As it is stored."""
        found = await Dream.get(dream.identity)
        assert found is not None
        return found

    async def versions(self, dream: Dream) -> list[DreamVersion]:
        """Newest first."""
        found = await DreamVersion.of_dreams([dream.identity], Stretch(100))
        return found.get(dream.identity, [])

    async def generations(self) -> list[Generation]:
        """All that there are, oldest first."""
        return await Generation.find_all().sort("_id").to_list()

    async def generation_of(self, dream: Dream) -> Generation:
        """The dream's latest, with its events."""
        found = await Generation.get((await self.now(dream)).generation_id)
        assert found is not None
        return found

    async def work(self) -> None:
        """Do all that waits, one after another, each to its end."""
        while waiting := [one for one in await self.generations() if one.status in OPEN]:
            for one in waiting:
                await self.parts.runner.run(one.identity)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """A worker serves, and heeds cancels."""
        async with self.parts.queue.serve(self.parts.runner.run, 2):
            heeding = asyncio.create_task(self.parts.runner.heed_cancels())
            try:
                for one in await self.generations():
                    await self.parts.queue.ring(one.identity)
                yield
            finally:
                heeding.cancel()
                await asyncio.wait([heeding])

    async def ended(self, dream: Dream) -> None:
        """Return when the dream's work has ended, and the process has done with it."""
        now = await self.now(dream)
        assert now.generation_id is not None
        async with asyncio.timeout(60):
            async for _ in progress(self.parts.hub, self.owner_id, now.generation_id, 0):
                pass
            while (await self._lane()).open:  # noqa: ASYNC110 - only the database knows
                await asyncio.sleep(0.02)

    async def _lane(self) -> Lane:
        lane = await Lane.get(self.owner_id)
        assert lane is not None
        return lane

    async def sweep(self) -> None:
        """As it is done a long time later."""
        await Dream.rows().update_many({"due": {"$ne": None}}, {"$set": {"due": Dream.soon().replace(year=2000)}})
        await self.dreams.starter.finish_left_over()


type MakeDesk = Callable[..., Awaitable[Desk]]


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
async def make_desk(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path
) -> AsyncIterator[MakeDesk]:
    """Makes desks over the test's database; `settings` by the names of fields, none of them with a key of its own."""
    url = urlsplit(mongodb_url)._replace(path=f"/{database.name}").geturl()
    owner_id = PydanticObjectId()
    async with AsyncExitStack() as stack:

        async def make(simulator: Simulator | None = None, **settings: Any) -> Desk:
            settings_of = simulator.settings.items() if simulator else ()
            keys = {name.lower(): value for name, value in settings_of if name.startswith("OPENAI")}
            given = {**_BARE, "data_dir": tmp_path, "mongodb_url": url, "generation_attempts": 1, **keys, **settings}
            parts = assemble(settings_from(given))
            await stack.enter_async_context(opened_indexed(parts))
            stack.push_async_callback(parts.close)
            return Desk(parts, owner_id)

        yield make


@pytest.fixture
async def desk(make_desk: MakeDesk, simulator: Simulator) -> Desk:
    """With simulated models."""
    return await make_desk(simulator)


@pytest.fixture
async def bare_desk(make_desk: MakeDesk) -> Desk:
    """Without any key."""
    return await make_desk()
