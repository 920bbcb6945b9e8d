"""The story of a dream: real process, real database, real SDK, simulated OpenAI."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from app.simulator.scenario import Provider, Scenario
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running

_DREAM = "I fell from a tower into the sea. A whale sang, and my grandmother caught me."
_SHOWN = """id status interpretation { narrative meaning symbols { name meaning } emotions { name intensity }
  suggestedTitle source model note } picture { url width } illustration { source model note }
  failure { code message retryable } canRegenerate canRegenerateReason
  versions { nodes { id interpretation { narrative } illustration { model } } }"""
_RECORD = f"""mutation ($input: RecordDreamInput!) {{ recordDream(input: $input) {{
  dream {{ {_SHOWN} generation {{ id }} }} errors {{ code message path }} }} }}"""
_UPDATES = f"""subscription ($id: ID!) {{ dreamUpdates(dreamId: $id) {{ narrative dream {{ {_SHOWN} }} }} }}"""
_EVENTS = """subscription { viewerEvents { type text generation { id recipe { parentId } result { id } } } }"""
_REGENERATE = f"""mutation ($input: RegenerateDreamInput!) {{ regenerateDream(input: $input) {{
  dream {{ {_SHOWN} }} generation {{ id }} errors {{ code message path }} }} }}"""
_MANY = """mutation ($input: RegenerateDreamsInput!) { regenerateDreams(input: $input) {
  batch { id items { nodes { subjectId status } } } errors { code message path } } }"""
_BATCH = """subscription ($id: ID!) { batchProgress(id: $id) { batch { finished counts { succeeded failed } } } }"""
_RESTORE = f"""mutation ($input: RestoreVersionInput!) {{ restoreVersion(input: $input) {{
  dream {{ {_SHOWN} }} errors {{ code }} }} }}"""
_JOURNAL = """query ($status: DreamStatus) { viewer { dreams(status: $status) { nodes { id } totalCount }
  dreamStats { dreams symbols { name dreams } emotions { name } weeks { monday dreams } } } }"""


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with simulated_providers() as running_simulator:
        yield running_simulator


@pytest.fixture(scope="module")
def dreaming(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {**database_setting(), **simulator.settings, "GENERATION_ATTEMPTS": "1"}
    with running(tmp_path_factory.mktemp("data"), settings) as server:
        yield server


@pytest.fixture
async def dreamer(dreaming: Server, client_of: MakeClient) -> Client:
    client = client_of(dreaming)
    await client.sign_up()
    return client


async def _told(client: Client, dream_id: str, status: str) -> list[Any]:
    """What is told of a dream until it has that status."""
    told = list[Any]()
    async with asyncio.timeout(60), client.socket() as socket:
        async for data in socket.subscribe(_UPDATES, {"id": dream_id}):
            told.append(data["dreamUpdates"])
            if told[-1]["dream"]["status"] == status:
                return told
    raise AssertionError


async def _recorded(client: Client, **told: Any) -> Any:
    payload = (await client.run(_RECORD, {"input": {"text": _DREAM, **told}}))["recordDream"]
    assert payload["errors"] == []
    return payload["dream"]


async def _regenerated(client: Client, dream_id: str, **input: Any) -> Any:
    payload = (await client.run(_REGENERATE, {"input": {"dreamId": dream_id, **input}}))["regenerateDream"]
    assert payload["errors"] == [], payload
    return payload


async def test_dream_is_recorded_followed_regenerated_cancelled_and_restored(
    dreamer: Client, simulator: Simulator
) -> None:
    simulator.reset()
    recorded = await _recorded(dreamer, title="The whale", tags=["sea"])
    assert (recorded["status"], recorded["canRegenerate"]) == ("PROCESSING", False)
    first = (await _told(dreamer, recorded["id"], "READY"))[-1]["dream"]
    assert first["interpretation"]["source"] == "PROVIDER"
    assert first["interpretation"]["symbols"]
    assert (await dreamer.http.get(first["picture"]["url"])).status_code == 200

    await _regenerated(dreamer, first["id"], parts=["PICTURE"], wish="In blue")
    second = (await _told(dreamer, first["id"], "READY"))[-1]["dream"]
    assert second["interpretation"] == first["interpretation"]
    assert simulator.calls[-1].prompt.endswith("In blue")

    simulator.always(Provider.OPENAI, Scenario.SLOW)
    begun = await _regenerated(dreamer, first["id"])
    assert (begun["dream"]["interpretation"], begun["dream"]["picture"]) == (None, None)
    again = (await dreamer.run(_REGENERATE, {"input": {"dreamId": first["id"]}}))["regenerateDream"]
    assert [error["code"] for error in again["errors"]] == ["CONFLICT"]
    await dreamer.cancel(begun["generation"]["id"])
    third = (await _told(dreamer, first["id"], "READY"))[-1]["dream"]
    assert third["interpretation"] == second["interpretation"]
    simulator.always(Provider.OPENAI)

    (version,) = third["versions"]["nodes"]
    restored = (await dreamer.run(_RESTORE, {"input": {"versionId": version["id"]}}))["restoreVersion"]
    assert (restored["errors"], restored["dream"]["status"]) == ([], "READY")
    assert len(restored["dream"]["versions"]["nodes"]) == 2


async def test_text_comes_while_it_is_written_and_everything_is_told_to_all_devices(
    dreamer: Client, simulator: Simulator
) -> None:
    simulator.reset()
    simulator.hold(after=6)
    recorded = await _recorded(dreamer)
    async with asyncio.timeout(60), dreamer.socket() as socket:
        types, texts = list[str](), list[str]()
        async for data in socket.subscribe(_EVENTS, {}):
            event = data["viewerEvents"]
            types.append(event["type"])
            texts += [event["text"]] if event["text"] else []
            assert event["generation"]["recipe"]["parentId"] == recorded["id"]
            if event["type"] in {"TEXT", "SNAPSHOT"}:
                simulator.release()
            if event["type"] == "SUCCEEDED":
                assert event["generation"]["result"]["id"] == recorded["id"]
                break
    dream = (await _told(dreamer, recorded["id"], "READY"))[-1]["dream"]
    assert texts[-1] == dream["interpretation"]["narrative"]
    followed = await dreamer.follow(recorded["generation"]["id"])
    assert [event["sequence"] for event in followed] == list(range(1, len(followed) + 1))
    assert "TEXT" in {event["type"] for event in followed}


async def test_picture_that_fails_leaves_the_interpretation_and_a_batch_makes_what_is_missing(
    dreamer: Client, simulator: Simulator
) -> None:
    simulator.reset()
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.MODERATION)
    recorded = await _recorded(dreamer)
    dream = (await _told(dreamer, recorded["id"], "READY_WITHOUT_PICTURE"))[-1]["dream"]
    assert dream["interpretation"]
    assert (dream["failure"]["code"], dream["canRegenerate"]) == ("CONTENT_BLOCKED", True)
    simulator.then(Provider.OPENAI, Scenario.REJECTED_KEY)
    failed = await _recorded(dreamer, text="A door in the desert.")
    shown = (await _told(dreamer, failed["id"], "FAILED"))[-1]["dream"]
    assert shown["failure"]["code"] == "PROVIDER_REJECTED_KEY"
    assert "OPENAI_API_KEY" in shown["failure"]["message"]
    journal = (await dreamer.run(_JOURNAL, {"status": "FAILED"}))["viewer"]
    assert [node["id"] for node in journal["dreams"]["nodes"]] == [failed["id"]]
    assert (journal["dreamStats"]["dreams"], len(journal["dreamStats"]["weeks"])) == (2, 1)
    missing = {"filter": "MISSING_PICTURE", "textModel": "lexicon-1", "imageModel": "placeholder-1"}
    payload = (await dreamer.run(_MANY, {"input": missing}))["regenerateDreams"]
    assert payload["errors"] == []
    assert [item["subjectId"] for item in payload["batch"]["items"]["nodes"]] == [failed["id"], recorded["id"]]
    async with asyncio.timeout(60), dreamer.socket() as socket:
        told = [data["batchProgress"] async for data in socket.subscribe(_BATCH, {"id": payload["batch"]["id"]})]
    assert told[-1]["batch"] == {"finished": True, "counts": {"succeeded": 2, "failed": 0}}
    journal = (await dreamer.run(_JOURNAL, {"status": "READY"}))["viewer"]
    assert journal["dreams"]["totalCount"] == 2


async def test_without_a_key_the_whole_flow_is_there(ada: Client) -> None:
    recorded = await _recorded(ada)
    dream = (await _told(ada, recorded["id"], "READY"))[-1]["dream"]
    assert (dream["interpretation"]["source"], dream["illustration"]["source"]) == ("LOCAL", "MOCK")
    assert dream["interpretation"]["note"]
    assert dream["illustration"]["note"]
    assert (await ada.http.get(dream["picture"]["url"])).status_code == 200
