"""The steered Gemini does what it is told, and counts what it sees."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from tests.faults.provider import Gemini, cut_off, limited, overloaded, picture, refused, serving_gemini

pytestmark = pytest.mark.timeout(30)
_PATH = "/v1beta/models/gemini-image:generateContent"


@pytest.fixture
def gemini() -> Iterator[Gemini]:
    with serving_gemini() as gemini:
        yield gemini


@pytest.fixture
async def http(gemini: Gemini) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=gemini.url, timeout=20) as http:
        yield http


async def _ask(http: httpx2.AsyncClient, prompt: str = "Make it shine") -> httpx2.Response:
    parts = [{"inlineData": {"data": "AAAA", "mime_type": "image/png"}}, {"text": prompt}]
    return await http.post(_PATH, json={"contents": [{"parts": parts}]}, headers={"x-goog-api-key": "key-picture"})


def _picture(answer: httpx2.Response) -> bytes:
    body: dict[str, Any] = answer.json()
    return base64.b64decode(body["candidates"][0]["content"]["parts"][0]["inlineData"]["data"])


async def test_each_call_has_a_picture_of_its_own(gemini: Gemini, http: httpx2.AsyncClient) -> None:
    answers = [await _ask(http, f"wish {number}") for number in (1, 2)]
    assert [_picture(answer) for answer in answers] == [picture(1), picture(2)]
    assert [(call.number, call.prompt, call.pictures) for call in gemini.calls] == [(1, "wish 1", 1), (2, "wish 2", 1)]
    assert len({picture(number) for number in range(300)}) == 300


async def test_held_calls_wait_and_are_counted(gemini: Gemini, http: httpx2.AsyncClient) -> None:
    gemini.hold()
    asked = [asyncio.create_task(_ask(http)) for _ in range(3)]
    await gemini.until(lambda seen: seen.in_flight == 3)
    assert not any(one.done() for one in asked)
    gemini.release()
    assert {(await one).status_code for one in asked} == {200}
    await gemini.until(lambda seen: seen.in_flight == 0)
    assert gemini.most_in_flight == 3


async def test_client_that_goes_away_is_noticed(gemini: Gemini, http: httpx2.AsyncClient) -> None:
    gemini.hold()
    asking = asyncio.create_task(_ask(http))
    await gemini.until(lambda seen: seen.in_flight == 1)
    asking.cancel()
    await gemini.until(lambda seen: seen.disconnected == [1])
    assert (gemini.in_flight, gemini.answered) == (0, [])


async def test_next_answers_come_once_each_in_their_order(gemini: Gemini, http: httpx2.AsyncClient) -> None:
    gemini.then(limited(1.5), overloaded(), refused)
    answers = [await _ask(http) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 503, 400, 200]
    assert answers[0].json()["error"]["details"][-1]["retryDelay"] == "1.5s"
    assert answers[1].json()["error"]["details"] == []


async def test_usual_answer_can_be_a_broken_connection(gemini: Gemini, http: httpx2.AsyncClient) -> None:
    gemini.always(cut_off)
    for _ in range(2):
        with pytest.raises(httpx2.TransportError):
            await _ask(http)
    gemini.always()
    assert (await _ask(http)).status_code == 200
