"""A plant at work for one person, whose provider holds its calls: what most faults are done to."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.contract.conftest import RedisServer
from tests.e2e.client import Client
from tests.faults.census import Census
from tests.faults.follower import Follower, assert_told_once
from tests.faults.plant import Plant, Process, planted


@dataclass(eq=False)
class Shop:
    """One server, one worker and `ada`, of whom `count` generations were accepted; the first one made `image`."""

    plant: Plant
    api: Process
    worker: Process
    ada: Client
    image: str
    count: int = 1

    @property
    def redis(self) -> RedisServer:
        assert self.plant.redis is not None
        return self.plant.redis

    async def regenerate(self, count: int, prefix: str) -> list[str]:
        """As many more, all at once; their ids in the database."""
        ids = await self.plant.regenerate(self.ada, self.image, count, prefix)
        self.count += count
        return ids

    async def readiness(self) -> dict[str, str]:
        """What `/readyz` says."""
        state: dict[str, str] = (await self.ada.http.get("/readyz")).json()
        return state

    async def assert_done(self, followers: Sequence[Follower] = (), *, swept: bool = True) -> Census:
        """Everything is there once, made with one paid call each, and whoever followed knows all of it.

        `swept` as in `Census.complaints`; pictures are never left to the sweep here.
        """
        census = await self.plant.wait_until_whole(self.count, swept=swept)
        assert_told_once(followers, census)
        assert census.statuses == {"SUCCEEDED": self.count}
        assert sum(len(one.results) for one in census.generations) == self.count
        assert len(self.plant.gemini.calls) == census.calls == self.count
        assert (census.unused_pictures, census.unused_files) == ((), ())
        return census


@asynccontextmanager
async def at_work(
    folder: Path, *, tollgates: bool = False, redis_gate: bool = False, **settings: str
) -> AsyncGenerator[Shop]:
    """The shop once it has made one image; the calls to come wait at the provider. `redis_gate` is the server's."""
    async with planted(folder, redis=True, **settings) as plant:
        api, worker = await asyncio.gather(
            plant.api(tollgate=tollgates, redis_gate=redis_gate), plant.worker(tollgate=tollgates)
        )
        ada = await plant.client(api)
        image = await plant.first_image(ada)
        plant.gemini.hold()
        yield Shop(plant, api, worker, ada, image)
