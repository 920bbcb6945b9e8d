"""The database is away, or a write or its reply gets lost, while work runs: nothing is lost, nothing is paid twice."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from time import monotonic

import pytest
import pytest_asyncio

from tests.e2e.client import REGENERATE
from tests.faults.commands import changes, ends_generation, inserts, pushes_event, sets
from tests.faults.follower import assert_told_once, codes_of, following
from tests.faults.shop import Shop, at_work

_AWAY_S = 10.0 if os.environ.get("FULL") else 4.0
_ANSWERED_S = 7.0
_RUNNING, _WAITING = 4, 4
_OF_WORKER = {
    "claim": changes("generations", pushes_event("STARTED")),
    "turn at the provider": changes("provider_slots"),
    "stage": changes("generations", pushes_event("STAGE")),
    "entry in the ledger": changes("generations", sets("stage", "asking Gemini")),
    "picture": inserts("pictures"),
    "end": ends_generation("SUCCEEDED"),
    "result": inserts("ornament_images"),
    "settlement": changes("generations", sets("settled", value=True)),
    "place in the lane": changes("lanes"),
}
_OF_EACH_KIND = {"claim", "picture", "end", "settlement"}
"""Of what begins an attempt, what it makes, its end, and what comes after that: the others with FULL=1."""
_BEGUN_AGAIN = {("claim", True)}
"""Who does not know that it has claimed does not begin: the next attempt does, when the lease is over."""
_OF_API = {"lane": changes("lanes"), "generation": inserts("generations")}
_LOST = pytest.mark.parametrize("happened", [True, False], ids=["reply lost", "write lost"])
pytestmark = [
    pytest.mark.timeout(150),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Shop]:
    """One for all: each fault is over before the next one."""
    async with at_work(tmp_path_factory.mktemp("shop"), tollgates=True) as shop:
        yield shop


@asynccontextmanager
async def killed(shop: Shop) -> AsyncGenerator[None]:
    await shop.plant.database.stop()
    try:
        yield
    finally:
        await shop.plant.database.start()


@asynccontextmanager
async def hanging(shop: Shop) -> AsyncGenerator[None]:
    shop.plant.database.pause()
    try:
        yield
    finally:
        shop.plant.database.resume()


@asynccontextmanager
async def out_of_reach(shop: Shop) -> AsyncGenerator[None]:
    gates = (shop.api.tollgate, shop.worker.tollgate)
    for gate in gates:
        gate.refuse()
        gate.cut()
    try:
        yield
    finally:
        for gate in gates:
            gate.accept()


@pytest.mark.long
@pytest.mark.parametrize("fault", [killed, hanging, out_of_reach])
async def test_what_runs_bears_a_database_that_is(
    shop: Shop, fault: Callable[[Shop], AbstractAsyncContextManager[None]]
) -> None:
    gemini, before, during = shop.plant.gemini, f"before {fault.__name__}", f"during {fault.__name__}"
    gemini.hold()
    ids = await shop.regenerate(_RUNNING + _WAITING, before)
    async with following(shop.ada, ids) as followers:
        await gemini.until(lambda seen: seen.in_flight == _RUNNING)
        async with fault(shop):
            back = asyncio.create_task(asyncio.sleep(_AWAY_S))
            gemini.release()
            assert await asyncio.gather(*(_refused(shop, during, one) for one in range(2))) == [["UNAVAILABLE"]] * 2
            await back
        repeated = await shop.regenerate(2, during)
    async with following(shop.ada, repeated) as of_repeated:
        pass
    await shop.assert_done([*followers, *of_repeated], swept=False)


async def _refused(shop: Shop, prefix: str, number: int) -> list[str]:
    """The codes of the quick refusal of what `regenerate` with that prefix will repeat."""
    began, prompt, key = monotonic(), f"{prefix} {number}", f"{prefix}-{number}"
    variables = {"input": {"imageId": shop.image, "prompt": prompt, "idempotencyKey": key}}
    answer = await shop.ada.post(REGENERATE, variables)
    assert monotonic() - began < _ANSWERED_S
    return codes_of({"payload": answer})


@contextmanager
def one_more_call(shop: Shop) -> Generator[None]:
    """What happens meanwhile costs one call to the provider."""
    shop.plant.gemini.release()
    before = len(shop.plant.gemini.calls)
    yield
    assert len(shop.plant.gemini.calls) == before + 1


@_LOST
@pytest.mark.parametrize(
    "write", [one if one in _OF_EACH_KIND else pytest.param(one, marks=pytest.mark.long) for one in _OF_WORKER]
)
async def test_lost_write_of_a_worker_is_made_once_and_its_picture_paid_once(
    shop: Shop, write: str, *, happened: bool
) -> None:
    gate = shop.worker.tollgate
    hold = gate.hold_reply(_OF_WORKER[write]) if happened else gate.hold(_OF_WORKER[write])
    with one_more_call(shop):
        (generation_id,) = await shop.regenerate(1, f"{write}, {happened}")
        async with following(shop.ada, [generation_id]) as followers:
            await hold.caught()
            gate.cut()
        census = await shop.plant.wait_until_whole(shop.count, swept=False)
    assert_told_once(followers, census)
    assert census.statuses == {"SUCCEEDED": shop.count}
    assert census.calls == len(shop.plant.gemini.calls)
    assert len(census.of(generation_id).attempts) == (2 if (write, happened) in _BEGUN_AGAIN else 1)


@_LOST
@pytest.mark.parametrize("write", _OF_API)
async def test_repeat_of_a_mutation_whose_write_was_lost_is_the_same_generation(
    shop: Shop, write: str, *, happened: bool
) -> None:
    gate = shop.api.tollgate
    hold = gate.hold_reply(_OF_API[write]) if happened else gate.hold(_OF_API[write])
    key = f"{write}, {happened}"
    variables = {"input": {"imageId": shop.image, "prompt": f"{key} 0", "idempotencyKey": f"{key}-0"}}
    asked = asyncio.create_task(shop.ada.post(REGENERATE, variables))
    await hold.caught()
    gate.cut()
    assert codes_of({"payload": await asked}) == ["UNAVAILABLE"]
    with one_more_call(shop):
        (generation_id,) = await shop.regenerate(1, key)
        async with following(shop.ada, [generation_id]) as followers:
            pass
        census = await shop.plant.wait_until_whole(shop.count, swept=False)
    assert_told_once(followers, census)
    assert len(census.generations) == shop.count
    assert census.calls == len(shop.plant.gemini.calls)
