"""Diagnostics at the schema: for administrators alone, and readable while they run."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.accounts.model import User
from app.api.ids import GENERATION, document_id, global_id
from app.generations.model import Generation
from app.generations.runner import Runner
from app.generations.slots import ProviderLimits
from tests.api.both import schema
from tests.api.shop import Shop, opened_shop

_RUN = """mutation ($input: RunDiagnosticsInput!) { runDiagnostics(input: $input) {
  generation { id status result { id } } errors { code message } } }"""
_SHOWN = """suite status tests { name title about status durationMs request response message
  inputPictures { id } outputPictures { id url } } generation { id }"""
_READ = f"query ($id: ID!) {{ diagnostics(generationId: $id) {{ id {_SHOWN} }} }}"
_UPDATES = "subscription ($id: ID!) { diagnosticsUpdates(generationId: $id) { status tests { status } } }"
_NODE = "query ($id: ID!) { node(id: $id) { id } }"
_RESULT = "query ($id: ID!) { generation(id: $id) { status result { id ... on DiagnosticsRun { suite } } } }"
_VIEWER = "{ viewer { user { isAdministrator } } }"


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


@pytest.fixture
async def administrator(shop: Shop) -> Shop:
    await _make(shop, is_admin=True)
    return shop


async def _make(shop: Shop, *, is_admin: bool) -> None:
    user = await User.get(shop.owner_id)
    assert user is not None
    assert await User.set_administrator(user.email_key, is_admin=is_admin)


async def _started(shop: Shop, suite: str = "PROVIDERS", **more: Any) -> str:
    payload = (await shop.run(_RUN, {"input": {"suite": suite, **more}}))["runDiagnostics"]
    assert payload["errors"] == []
    generation_id: str = payload["generation"]["id"]
    return generation_id


async def _followed(shop: Shop, generation_id: str) -> list[Any]:
    """What a follower is told to the end, or the code of the error."""
    told: Any = await schema.subscribe(_UPDATES, {"id": generation_id}, context_value=shop.context())
    return [one.errors[0].extensions["code"] if one.errors else one.data["diagnosticsUpdates"] async for one in told]


async def test_viewer_is_told_whether_they_are_an_administrator(shop: Shop) -> None:
    for is_admin in (False, True, False):
        await _make(shop, is_admin=is_admin)
        assert (await shop.run(_VIEWER))["viewer"]["user"]["isAdministrator"] is is_admin


async def test_run_is_read_before_it_begins_and_after_its_end(administrator: Shop) -> None:
    generation_id = await _started(administrator)
    run = (await administrator.run(_READ, {"id": generation_id}))["diagnostics"]
    assert (run["suite"], run["status"], run["generation"]["id"]) == ("PROVIDERS", "QUEUED", generation_id)
    assert {test["status"] for test in run["tests"]} == {"WAITING"}
    assert (await administrator.run(_RESULT, {"id": generation_id}))["generation"]["result"] is None

    await _worked_on(administrator, generation_id)
    run = (await administrator.run(_READ, {"id": generation_id}))["diagnostics"]
    assert {test["status"] for test in run["tests"]} == {"PASSED"}
    assert [len(test["outputPictures"]) for test in run["tests"]] == [0, 1, 0, 1]
    assert [len(test["inputPictures"]) for test in run["tests"]] == [0, 0, 1, 1]
    assert run["tests"][0]["request"]["text"]["text"] == "Which colours does a rainbow have?"
    assert run["tests"][1]["outputPictures"][0]["url"].startswith("http://regen.test/")
    result = (await administrator.run(_RESULT, {"id": generation_id}))["generation"]["result"]
    assert result == {"id": run["id"], "suite": "PROVIDERS"}
    assert (await administrator.run(_NODE, {"id": run["id"]}))["node"] == {"id": run["id"]}
    assert (await _followed(administrator, generation_id)) == [
        {"status": "SUCCEEDED", "tests": [{"status": "PASSED"}] * 4}
    ]


async def _worked_on(shop: Shop, generation_id: str) -> None:
    """Make the tests, by a worker that is called by hand."""
    closing = shop.services.generations.closing
    runner = Runner(closing.jobs, closing.queue, closing.hub, closing, "by-hand", ProviderLimits({}, 60))
    await runner.run(document_id(generation_id, GENERATION))


async def test_same_key_starts_one_run_and_another_suite_is_a_conflict(administrator: Shop) -> None:
    first = await _started(administrator, idempotencyKey="a")
    assert await _started(administrator, idempotencyKey="a") == first
    payload = (await administrator.run(_RUN, {"input": {"suite": "FULL_FLOW", "idempotencyKey": "a"}}))[
        "runDiagnostics"
    ]
    assert [error["code"] for error in payload["errors"]] == ["CONFLICT"]


async def test_who_is_no_administrator_is_refused_everywhere_with_the_command(administrator: Shop) -> None:
    generation_id = await _started(administrator)
    other = await administrator.joined()
    run_id = global_id("DiagnosticsRun", (await Generation.find_all().to_list())[0].identity)
    for shop in (other, administrator):
        await _make(shop, is_admin=False)
        payload = (await shop.run(_RUN, {"input": {"suite": "PROVIDERS"}}))["runDiagnostics"]
        (error,) = payload["errors"]
        assert (error["code"], payload["generation"]) == ("FORBIDDEN", None)
        assert "`regen admin grant ada@example.com`" in error["message"]
        assert await shop.answer(_READ, {"id": generation_id}) == ({"diagnostics": None}, [("FORBIDDEN", None)])
        assert await _followed(shop, generation_id) == ["FORBIDDEN"]
        assert (await shop.run(_NODE, {"id": run_id}))["node"] is None
    assert await Generation.count() == 1


async def test_nobody_is_asked_to_log_in_and_another_administrator_sees_nothing(administrator: Shop) -> None:
    generation_id = await _started(administrator)
    nobody = Shop(administrator.services)
    assert await nobody.answer(_RUN, {"input": {"suite": "PROVIDERS"}}) == (
        {"runDiagnostics": None},
        [("UNAUTHENTICATED", None)],
    )
    assert await nobody.answer(_READ, {"id": generation_id}) == ({"diagnostics": None}, [("UNAUTHENTICATED", None)])
    assert await _followed(nobody, generation_id) == ["UNAUTHENTICATED"]
    other = await administrator.joined()
    await _make(other, is_admin=True)
    assert (await other.run(_READ, {"id": generation_id}))["diagnostics"] is None
    assert await _followed(other, generation_id) == ["NOT_FOUND"]


async def test_run_of_other_work_is_none(administrator: Shop) -> None:
    missing = global_id("Generation", PydanticObjectId())
    assert (await administrator.run(_READ, {"id": missing}))["diagnostics"] is None
    _, errors = await administrator.answer(_READ, {"id": global_id("Picture", PydanticObjectId())})
    assert errors == [("BAD_USER_INPUT", "generationId")]
