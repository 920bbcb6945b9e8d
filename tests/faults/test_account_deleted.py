"""An account is deleted while its work is at the provider, at one server of two: nothing of it is left anywhere."""

import asyncio
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.e2e.client import PASSWORD, Client
from tests.faults.commands import finds_and_modifies
from tests.faults.plant import Plant, document_id, planted

pytestmark = pytest.mark.timeout(120)
_DELETE = "mutation ($input: DeleteAccountInput!) { deleteAccount(input: $input) { deletedId errors { code path } } }"
_REFUSED_WITHIN_S = 10 * 5.0
"""Ten times what is promised: the machine may do other things meanwhile."""


async def _deleted(client: Client) -> str:
    """The account's id in the database."""
    payload = (await client.run(_DELETE, {"input": {"password": PASSWORD}}))["deleteAccount"]
    assert payload["errors"] == []
    return document_id(payload["deletedId"])


async def _traces(plant: Plant, owner_id: str) -> list[str]:
    """Every document and path that names the owner, but for what says that there was one."""
    found = list[str]()
    for name in await plant.documents.list_collection_names():
        if name not in {"erasures", "lanes"}:
            found += [f"{name} {row}" async for row in plant.documents[name].find() if owner_id in f"{row}"]
    return found + [f"{path}" for path in plant.data_dir.rglob("*") if owner_id in f"{path}"]


async def _until_nothing_is_left(plant: Plant, owner_id: str) -> None:
    """Let time pass for pictures that were touched just now, until no trace is left."""
    async with asyncio.timeout(60):
        while await _traces(plant, owner_id):
            long_ago = [{"$set": {"touchedAt": {"$subtract": ["$$NOW", 3_600_000]}}}]
            await plant.documents["pictures"].update_many({"state": "DELETING"}, long_ago)
            await asyncio.sleep(0.2)


@pytest.mark.long
async def test_call_that_was_held_brings_nothing_back_and_every_server_shuts_its_doors(tmp_path: Path) -> None:
    async with planted(tmp_path, redis=True) as plant:
        here, there, _ = await asyncio.gather(plant.api(), plant.api(), plant.worker())
        ada, bob = await plant.client(here), await plant.client(here)
        image, others = await plant.first_image(ada), await plant.first_image(bob)
        elsewhere = await plant.client(there, like=ada)
        plant.gemini.hold()
        await plant.regenerate(ada, image, 3)
        await plant.gemini.until(lambda seen: seen.in_flight == 3)
        async with elsewhere.socket() as socket:
            owner_id = await _deleted(ada)
            async with asyncio.timeout(_REFUSED_WITHIN_S):
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
        assert [one["extensions"]["code"] for one in (await elsewhere.post("{ viewer { id } }"))["errors"]] == [
            "UNAUTHENTICATED"
        ]
        await plant.gemini.until(lambda seen: len(seen.disconnected) == 3)
        plant.gemini.release()
        await _until_nothing_is_left(plant, owner_id)
        census = await plant.wait_until_whole(1, swept=False)
        assert [len(one.results) for one in census.generations] == [1]
        assert (await bob.run("query ($id: ID!) { node(id: $id) { id } }", {"id": others}))["node"] == {"id": others}


@pytest.mark.long
async def test_worker_that_slept_through_it_all_leaves_nothing_when_it_wakes(tmp_path: Path) -> None:
    async with planted(tmp_path, redis=True) as plant:
        api, sleeper = await asyncio.gather(plant.api(), plant.worker(tollgate=True, patient=True))
        ada = await plant.client(api)
        image = await plant.first_image(ada)
        keeping = sleeper.tollgate.hold(finds_and_modifies("pictures"))
        await plant.regenerate(ada, image, 1)
        await keeping.caught()  # the picture is made, and about to be kept
        sleeper.pause()
        owner_id = await _deleted(ada)
        await _until_nothing_is_left(plant, owner_id)
        sleeper.resume()
        keeping.release()
        await _woken(plant, sleeper.server.log)
        await _until_nothing_is_left(plant, owner_id)
        census = await plant.wait_until_whole(0, swept=False)
        assert census.generations == ()


async def _woken(plant: Plant, log: list[str]) -> None:
    """Return once the worker has found out that its generation is not its own any more."""
    async with asyncio.timeout(60):
        while not any("lease_lost" in line for line in log):  # noqa: ASYNC110 - its log has no event
            await asyncio.sleep(0.1)
    assert await plant.documents["generations"].count_documents({}) == 0
