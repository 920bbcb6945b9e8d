"""A worker is killed when two of the four images of a message are there: the next one makes the other two alone."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from bson import ObjectId

from app.api.ids import global_id
from app.simulator.scenario import Operation, Provider, Scenario
from app.simulator.thread import simulated_providers
from tests.e2e.client import Client
from tests.faults.plant import Plant, document_id, planted

_SEND = """mutation ($input: SendMessageInput!) { sendMessage(input: $input) {
  assistantMessage { id } errors { code } } }"""
_SHOWN = """query ($id: ID!) { node(id: $id) { ... on ChatMessage {
  status images { status image { picture { id } } } } } }"""
_SETTINGS = {"USER_RUNNING_LIMIT": "20", "WORKER_SLOTS": "20", "OPENAI_CONCURRENCY": "20", "LEASE_S": "4"}
_POLL_S = 0.1


async def _chat(plant: Plant, client: Client) -> str:
    """The main chat of a new project of theirs; its global id."""
    user_id = document_id((await client.run("{ viewer { user { id } } }"))["viewer"]["user"]["id"])
    now, identity = datetime.now(UTC), PydanticObjectId()
    plain = {"schemaVersion": 1, "_id": identity, "ownerId": ObjectId(user_id), "trashedAt": None, "asked": ""}
    plain |= {"idempotencyKey": f"{identity}", "createdAt": now, "changedAt": now, "revision": 0}
    await plant.documents["projects"].insert_one({**plain, "name": "The sea", "members": []})
    chat = {"projectId": identity, "kind": "MAIN", "branchId": identity}
    await plant.documents["chats"].insert_one({**plain, **chat})
    return global_id("Chat", identity)


async def _row(plant: Plant, collection: str, where: dict[str, Any]) -> dict[str, Any]:
    row = await plant.documents[collection].find_one(where)
    assert row is not None
    return row


async def _two_are_there(plant: Plant, message_id: str) -> None:
    """Return when two images of an answer are kept, and shown where that is allowed."""
    where = {"_id": ObjectId(document_id(message_id))}
    async with asyncio.timeout(60):
        while True:
            exchange = await _row(plant, "exchanges", where)
            generation = await _row(plant, "generations", {"_id": exchange["generationId"]})
            ready = sum(slot["status"] == "READY" for slot in exchange["slots"])
            if len(generation["steps"]) == 2 and ready == (2 if exchange["allowPartial"] else 0):
                return
            await asyncio.sleep(_POLL_S)


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_killed_worker_leaves_the_other_two_images_to_the_next(tmp_path: Path) -> None:
    with simulated_providers() as simulator:
        async with planted(tmp_path, redis=True, **simulator.settings, **_SETTINGS) as plant:
            api, doomed = await asyncio.gather(plant.api(), plant.worker())
            ada = await plant.client(api)
            chat_id, sent = await _chat(plant, ada), list[str]()
            for allow_partial in (True, False):
                simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.FINE, Scenario.SLOW, Scenario.SLOW)
                given = {"chatId": chat_id, "prompt": "A whale", "imageCount": 4, "allowPartial": allow_partial}
                payload = (await ada.run(_SEND, {"input": given}))["sendMessage"]
                assert payload["errors"] == []
                sent.append(payload["assistantMessage"]["id"])
                await _two_are_there(plant, sent[-1])
            await doomed.kill()
            await plant.worker()
            await plant.wait_until(lambda census: len(census.generations) == 2 and census.at_rest)
            for message_id in sent:
                shown = (await ada.run(_SHOWN, {"id": message_id}))["node"]
                assert shown["status"] == "READY"
                assert [one["status"] for one in shown["images"]] == ["READY"] * 4
                assert all(one["image"]["picture"]["id"] for one in shown["images"])
            assert await plant.documents["chat_images"].count_documents({}) == 8
        assert sum(call.operation is Operation.OPENAI_GENERATE for call in simulator.calls) == 2 * (4 + 2)
