"""The plant as a whole: real processes through their gates, and a fault where it hurts most."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.commands import ends_generation
from tests.faults.plant import planted


@pytest.mark.long
@pytest.mark.timeout(90)
@pytest.mark.parametrize("arrives", [False, True], ids=["never arrives", "arrives late"])
async def test_worker_killed_while_it_writes_its_success_leaves_one_image(tmp_path: Path, *, arrives: bool) -> None:
    async with planted(tmp_path, redis=True, PICTURE_GRACE_S="3") as plant:
        api, doomed = await asyncio.gather(plant.api(), plant.worker(tollgate=True))
        ada = await plant.client(api)
        image = await plant.first_image(ada)
        hold = doomed.tollgate.hold(ends_generation("SUCCEEDED"))
        (generation_id,) = await plant.regenerate(ada, image, 1)
        await hold.caught()
        await doomed.kill()
        hold.release() if arrives else hold.drop()
        await plant.worker()
        census = await plant.wait_until_whole(2)
        assert len(census.of(generation_id).attempts) == (1 if arrives else 2)
        assert census.calls == len(plant.gemini.calls)
