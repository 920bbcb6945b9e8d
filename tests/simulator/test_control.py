"""Steering, by methods and over HTTP."""

import asyncio
import logging
from typing import Any

import httpx2
import pytest

from app.simulator.scenario import Provider, Scenario
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers

pytestmark = pytest.mark.timeout(60)
_BODY = {"model": "m", "prompt": "a cat", "size": "64x64"}


async def _generate(http: httpx2.AsyncClient, key: str = "sim-fine", **more: Any) -> httpx2.Response:
    return await http.post("/v1/images/generations", json=_BODY | more, headers={"authorization": f"Bearer {key}"})


async def _control(http: httpx2.AsyncClient, path: str = "", **told: Any) -> int:
    return (await http.post(f"/control{path}", json=told)).status_code


async def _statuses(http: httpx2.AsyncClient, count: int) -> list[int]:
    return [(await _generate(http)).status_code for _ in range(count)]


async def test_next_calls_end_as_told_one_each_then_as_before(http: httpx2.AsyncClient, simulator: Simulator) -> None:
    simulator.then(Provider.OPENAI, Scenario.FAILING, Scenario.RATE_LIMITED)
    simulator.then(Provider.GEMINI, Scenario.UNAVAILABLE)
    assert await _statuses(http, 3) == [500, 429, 200]


async def test_usual_end_wins_over_the_key_until_it_is_taken_back(
    http: httpx2.AsyncClient, simulator: Simulator
) -> None:
    simulator.always(Provider.OPENAI, Scenario.UNAVAILABLE)
    simulator.then(Provider.OPENAI, Scenario.FINE)
    assert await _statuses(http, 3) == [200, 503, 503]
    simulator.always(Provider.OPENAI)
    assert (await _generate(http, "sim-failing")).status_code == 500


async def test_control_does_the_same_over_http(http: httpx2.AsyncClient) -> None:
    assert await _control(http, provider="openai", scenario="failing", times=2) == 204
    assert await _control(http, provider="openai", scenario="unavailable") == 204
    assert await _statuses(http, 3) == [500, 500, 503]
    assert await _control(http, provider="openai", scenario=None) == 204
    assert await _statuses(http, 1) == [200]


@pytest.mark.parametrize(
    "wrong",
    [{"provider": "nobody", "scenario": "fine"}, {"provider": "openai"}, {"provider": "openai", "scenario": "x"}],
)
async def test_control_says_what_it_does_not_know(http: httpx2.AsyncClient, wrong: dict[str, str]) -> None:
    answer = await http.post("/control", json=wrong)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] in {"provider", "scenario"}


async def test_held_calls_wait_and_are_counted(http: httpx2.AsyncClient, simulator: Simulator) -> None:
    simulator.hold()
    asked = [asyncio.create_task(_generate(http)) for _ in range(3)]
    await simulator.until(lambda seen: seen.in_flight == 3)
    assert not any(one.done() for one in asked)
    simulator.release()
    assert {(await one).status_code for one in asked} == {200}
    assert simulator.in_flight == 0
    assert (simulator.most_in_flight, sorted(simulator.answered)) == (3, [1, 2, 3])


async def test_stream_is_held_in_the_middle(http: httpx2.AsyncClient, simulator: Simulator) -> None:
    await _control(http, "/hold", after=1)
    request = {"json": _BODY | {"stream": True, "partial_images": 2}, "headers": {"authorization": "Bearer k"}}
    async with http.stream("POST", "/v1/images/generations", **request) as response:  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a plain dict
        chunks = response.aiter_text()
        text = ""
        while not text.endswith("\n\n"):
            text += await anext(chunks)
        assert text.count("event: image_generation.partial_image") == 1
        assert simulator.in_flight == 1
        await _control(http, "/release")
        rest = "".join([chunk async for chunk in chunks])
    assert rest.count("event: image_generation.completed") == 1


async def test_client_that_goes_away_is_noticed(http: httpx2.AsyncClient, simulator: Simulator) -> None:
    simulator.hold()
    asking = asyncio.create_task(_generate(http))
    await simulator.until(lambda seen: seen.in_flight == 1)
    asking.cancel()
    await simulator.until(lambda seen: list(seen.disconnected) == [1])
    assert (simulator.in_flight, list(simulator.answered)) == (0, [])


@pytest.mark.parametrize("key", ["sim-slow", "sim-trickle"])
async def test_client_that_has_enough_of_slowness_is_noticed(
    http: httpx2.AsyncClient, simulator: Simulator, key: str
) -> None:
    asking = asyncio.create_task(_generate(http, key))
    await simulator.until(lambda seen: seen.in_flight == 1)
    asking.cancel()
    await simulator.until(lambda seen: seen.in_flight == 0)
    assert list(simulator.disconnected) == [1]


async def test_client_that_goes_away_in_the_middle_of_a_huge_answer_is_noticed(
    http: httpx2.AsyncClient, simulator: Simulator
) -> None:
    told = {"json": _BODY, "headers": {"authorization": "Bearer sim-too-huge"}}
    async with http.stream("POST", "/v1/images/generations", **told) as response:  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a plain dict
        await anext(response.aiter_bytes())
    await simulator.until(lambda seen: list(seen.disconnected) == [1])
    assert list(simulator.answered) == []


async def test_pictures_take_their_time_and_previews_come_before(
    http: httpx2.AsyncClient, simulator: Simulator
) -> None:
    simulator.takes_s = 0.3
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert (await _generate(http, stream=True, partial_images=2)).status_code == 200
    assert loop.time() - begun >= 0.3


async def test_what_came_is_shown_without_secrets(http: httpx2.AsyncClient) -> None:
    await _generate(http, "sk-very-secret")
    answer = await http.get("/control/seen")
    seen = answer.json()
    call = seen["calls"][0]
    assert (call["path"], call["model"], call["prompt"], call["references"]) == (
        "/v1/images/generations",
        "m",
        "a cat",
        [],
    )
    assert (seen["inFlight"], seen["answered"], seen["disconnected"]) == (0, [1], [])
    assert "very-secret" not in answer.text


async def test_reset_forgets_all_and_lets_go(http: httpx2.AsyncClient, simulator: Simulator) -> None:
    simulator.always(Provider.OPENAI, Scenario.FAILING)
    await _generate(http)
    simulator.hold()
    asking = asyncio.create_task(_generate(http))
    await simulator.until(lambda seen: seen.in_flight == 1)
    assert await _control(http, "/reset") == 204
    assert (await asking).status_code == 500
    assert await _statuses(http, 1) == [200]
    assert [call.number for call in simulator.calls] == [1]


async def test_what_does_not_come_true_is_said_with_the_state(simulator: Simulator) -> None:
    with pytest.raises(AssertionError, match=r"not in 0\.01 s: 0 calls, 0 in flight"):
        await simulator.until(lambda seen: seen.in_flight == 1, within_s=0.01)


async def test_stand_in_stops_silently_though_calls_are_under_way(caplog: pytest.LogCaptureFixture) -> None:
    async with httpx2.AsyncClient(timeout=20) as http:
        with simulated_providers() as simulator:
            http.base_url = simulator.url
            asking = asyncio.create_task(_generate(http, "sim-slow"))
            await simulator.until(lambda seen: seen.in_flight == 1)
        with pytest.raises(httpx2.TransportError):
            await asking
    assert simulator.in_flight == 0
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
