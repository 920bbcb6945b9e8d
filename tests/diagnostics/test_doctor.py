"""`regen doctor --full`, in this process: whoever kills it leaves nothing for ever."""

import asyncio
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from app.diagnostics.results import GENERATION_KIND
from app.doctor.full import run_both
from app.generations.model import Generation
from app.simulator.simulator import Simulator
from tests.diagnostics.conftest import Lab


async def test_what_a_killed_doctor_has_left_is_erased_by_a_sweep(
    lab: Lab, simulator: Simulator, database: AsyncDatabase[dict[str, Any]]
) -> None:
    simulator.hold()
    doctor = asyncio.create_task(run_both(lab.parts.settings, lambda _: None))
    await simulator.until(lambda seen: seen.in_flight == 1)
    (run,) = await Generation.find({"kind": GENERATION_KIND}).to_list()
    (promised,) = await database["erasures"].find().to_list()
    assert (promised["_id"], promised["lookAt"] > promised["askedAt"]) == (run.owner_id, True)
    erasures = lab.parts.services.accounts.erasures
    await erasures.go_on()
    assert await Generation.get(run.identity) is not None
    await database["erasures"].update_many({}, [{"$set": {"lookAt": {"$subtract": ["$$NOW", 1_000]}}}])
    await erasures.go_on()  # as the sweep of a server does in time
    left = {name for name in await database.list_collection_names() if await database[name].find_one(_of(run))}
    assert left <= {"generations"}, left
    doctor.cancel()
    await asyncio.wait([doctor])
    simulator.release()


def _of(run: Generation) -> dict[str, Any]:
    return {"ownerId": run.owner_id}
