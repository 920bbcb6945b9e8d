"""What the viewer's calls used and cost, by the ledgers of their generations."""

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.access import Gate
from app.accounts.service import Viewer
from app.accounts.sessions import Client
from app.api.context import Context
from app.api.schema import show_result
from app.costs.usage import Unit
from app.database.clock import DatabaseClock
from app.database.document import utc_now
from app.generations.attempts import Call, Outcome
from app.generations.model import Generation
from tests.api.both import schema
from tests.api.conftest import Commands, stored

_ADA, _BOB = PydanticObjectId(), PydanticObjectId()
_FIGURES = "generations pictures calls maybeBilled unpricedCalls cost { amount currency } knownCost { amount currency }"
_USAGE = f"""query ($period: UsagePeriod! = LAST_30_DAYS) {{ viewer {{ usage(period: $period) {{ {_FIGURES}
  byProvider {{ provider model {_FIGURES} }} }} }} }}"""
_GENERATION = """query ($id: ID!) { generation(id: $id) { cost { amount currency } estimatedCost { amount currency }
  attempts { calls { number cost { amount currency } usage { inputTextTokens outputImageTokens pictures } } } } }"""


class _Accounts:
    async def user(self, user_id: PydanticObjectId) -> Any:
        known = {"email": "ada@example.com", "name": "Ada", "created_at": utc_now(), "is_admin": False}
        return SimpleNamespace(identity=user_id, **known)


def _context(owner_id: PydanticObjectId) -> Context:
    generations = SimpleNamespace(clock=DatabaseClock())
    services: Any = SimpleNamespace(accounts=_Accounts(), generations=generations, gate=Gate())
    return Context(
        services=services,
        request_id="r",
        base_url="http://regen.test",
        client=Client(None, None),
        show_result=show_result,
        viewer=Viewer(owner_id, PydanticObjectId(), utc_now() + timedelta(hours=1)),
    )


async def _usage(period: str = "LAST_30_DAYS", owner_id: PydanticObjectId = _ADA) -> Any:
    result = await schema.execute(_USAGE, {"period": period}, context_value=_context(owner_id))
    assert result.errors is None
    assert result.data is not None
    return result.data["viewer"]["usage"]


def _call(number: int = 1, **more: Any) -> Call:
    """One that succeeded just now and cost 0.04 USD, or as `more` says."""
    usual: dict[str, Any] = {
        "number": number,
        "attempt": 1,
        "provider": "gemini",
        "model": "painter",
        "billable": True,
        "started_at": utc_now(),
        "ended_at": utc_now(),
        "outcome": Outcome.SUCCEEDED,
        "usage": {Unit.PICTURES: 1, Unit.OUTPUT_IMAGE_TOKENS: 1290},
        "cost": 40_000,
        "currency": "USD",
    }
    return Call.model_validate({**usual, **more})


async def _made(*calls: Call, owner_id: PydanticObjectId = _ADA) -> Generation:
    generation = await stored(owner_id)
    attempt = {"number": 1, "worker": "w", "startedAt": generation.created_at}
    ledger = [one.model_dump(by_alias=True) for one in calls]
    changes = {"attempts": [attempt], "calls": ledger, "changedAt": max(one.started_at for one in calls)}
    await Generation.rows().update_one({"_id": generation.identity}, {"$set": changes})
    return generation


async def test_whole_and_parts_are_summed_in_one_read(commands: Commands) -> None:
    await _made(_call(1), _call(2, cost=30_000))
    await _made(_call(1), _call(2, provider="openai", model="writer", usage={}, cost=2_500))
    await _made(_call(), owner_id=_BOB)
    commands.sent.clear()
    usage = await _usage()
    assert commands.sent == ["find"]
    parts = usage.pop("byProvider")
    assert usage == {
        "generations": 2,
        "pictures": 3,
        "calls": 4,
        "maybeBilled": 0,
        "unpricedCalls": 0,
        "cost": {"amount": "0.1125", "currency": "USD"},
        "knownCost": {"amount": "0.1125", "currency": "USD"},
    }
    assert [
        (one["provider"], one["model"], one["generations"], one["calls"], one["cost"]["amount"]) for one in parts
    ] == [
        ("gemini", "painter", 2, 3, "0.11"),
        ("openai", "writer", 1, 1, "0.0025"),
    ]


@pytest.mark.usefixtures("commands")
async def test_cost_is_null_as_soon_as_that_of_one_call_is_unknown() -> None:
    await _made(_call(1), _call(2, cost=None, currency=None, outcome=Outcome.CANCELLED, maybe_billed=True))
    usage = await _usage()
    assert (usage["cost"], usage["unpricedCalls"], usage["maybeBilled"]) == (None, 1, 1)
    assert usage["knownCost"] == {"amount": "0.04", "currency": "USD"}
    assert usage["byProvider"][0]["cost"] is None


@pytest.mark.usefixtures("commands")
async def test_free_calls_cost_nothing_in_no_currency_and_those_under_way_nothing_yet() -> None:
    free = _call(1, provider="local", billable=False, cost=None, currency=None, usage={})
    await _made(free, _call(2, outcome=None, ended_at=None, cost=None, currency=None, usage={}))
    usage = await _usage()
    assert (usage["cost"], usage["unpricedCalls"]) == ({"amount": "0", "currency": None}, 0)
    assert (usage["calls"], usage["pictures"]) == (2, 0)


@pytest.mark.usefixtures("commands")
async def test_two_currencies_have_no_sum() -> None:
    await _made(_call(1), _call(2, model="other", currency="EUR"))
    usage = await _usage()
    assert (usage["cost"], usage["knownCost"], usage["unpricedCalls"]) == (None, None, 0)
    assert [one["cost"]["currency"] for one in usage["byProvider"]] == ["EUR", "USD"]


@pytest.mark.usefixtures("commands")
async def test_nothing_was_used_by_who_made_nothing() -> None:
    usage = await _usage(owner_id=PydanticObjectId())
    assert (usage["calls"], usage["byProvider"], usage["cost"]) == (0, [], {"amount": "0", "currency": None})


@pytest.mark.usefixtures("commands")
async def test_period_begins_at_midnight_so_many_days_ago() -> None:
    midnight = datetime.combine(utc_now().date(), time(), UTC)
    for days in (0, 6, 29):
        begins = midnight - timedelta(days=days)
        await _made(_call(1, started_at=begins), _call(2, started_at=begins - timedelta(milliseconds=1)))
    calls = {period: (await _usage(period))["calls"] for period in ("TODAY", "LAST_7_DAYS", "LAST_30_DAYS")}
    assert calls == {"TODAY": 1, "LAST_7_DAYS": 3, "LAST_30_DAYS": 5}


@pytest.mark.usefixtures("commands")
async def test_generation_shows_usage_and_cost_of_each_call_and_of_all() -> None:
    await _made(_call(1, estimated=50_000), _call(2, cost=None, currency="USD", estimated=50_000, usage={}))
    global_id = (await schema.execute("{ viewer { generations { nodes { id } } } }", context_value=_context(_ADA))).data
    assert global_id is not None
    identity = global_id["viewer"]["generations"]["nodes"][0]["id"]
    result = await schema.execute(_GENERATION, {"id": identity}, context_value=_context(_ADA))
    assert result.errors is None
    assert result.data is not None
    shown = result.data["generation"]
    assert (shown["cost"], shown["estimatedCost"]) == (None, {"amount": "0.1", "currency": "USD"})
    first, second = shown["attempts"][0]["calls"]
    assert first["cost"] == {"amount": "0.04", "currency": "USD"}
    assert first["usage"] == {"inputTextTokens": 0, "outputImageTokens": 1290, "pictures": 1}
    assert (second["cost"], second["usage"]) == (None, None)
