"""Requests that came before take a short way; nobody who asks can tell."""

import gc
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import httpx2
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.api.edge import Edge
from app.api.prepared import PreparedOperations
from app.api.schema import schema
from tests.api.site import Site, served
from tests.e2e.client import SSE, Client

_GRAPHQL_JSON = "application/graphql-response+json"
_DREAMS = "query ($first: Int) { viewer { dreams(first: $first) { nodes { id text } pageInfo { hasNextPage } } } }"
_TWO = "query A { __typename } query B { viewer { user { name } } }"
_BODIES: Mapping[str, Any] = {
    "plain": {"query": "{ viewer { user { name } } }"},
    "variables": {"query": _DREAMS, "variables": {"first": 3}},
    "moments": {"query": "{ viewer { dreams { nodes { createdAt dreamedAt } } } }"},
    "variable that is null": {"query": _DREAMS, "variables": {"first": None}},
    "no variables": {"query": _DREAMS},
    "variable of another type": {"query": _DREAMS, "variables": {"first": "three"}},
    "variable out of range": {"query": _DREAMS, "variables": {"first": 1_000}},
    "variables that are no object": {"query": _DREAMS, "variables": [1]},
    "too many values": {"query": _DREAMS, "variables": {"first": 3, "more": [0] * 6_000}},
    "condition": {
        "query": "query ($all: Boolean!) { viewer { user { name email @include(if: $all) } } }",
        "variables": {"all": False},
    },
    "named": {"query": _TWO, "operationName": "B"},
    "not named": {"query": _TWO},
    "named wrong": {"query": _TWO, "operationName": "C"},
    "name of another type": {"query": _TWO, "operationName": 5},
    "invalid": {"query": "{ nothing }"},
    "no GraphQL": {"query": "{"},
    "nothing": {"query": ""},
    "subscription": {"query": "subscription { viewerEvents { sequence } }"},
    "mutation that refuses": {
        "query": 'mutation { updateDream(input: {dreamId: "x", title: "A sea"}) { errors { code message path } } }',
    },
    "resolver that refuses": {"query": '{ node(id: "nothing") { id } }'},
    "introspection": {"query": '{ __type(name: "Dream") { name fields { name } } }'},
    "extensions that are no object": {"query": "{ __typename }", "extensions": 5},
    "too costly": {
        "query": "query ($n: Int) { viewer { projects(first: $n) { nodes { contexts(first: $n) { nodes { id } } "
        "frames { id chat { id } } } } dreams(first: $n) { nodes { versions(first: $n) { nodes { id } } } } "
        "ornamentImages(first: $n) { nodes { children(first: $n) { nodes { id } } } } } }",
        "variables": {"n": 100},
    },
}

type Serve = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def serve(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> Serve:
    return partial(served, database, mongodb_url, tmp_path)


@pytest.fixture
async def site(serve: Serve) -> AsyncIterator[Site]:
    async with serve() as opened:
        yield opened


def _told(response: httpx2.Response) -> tuple[int, dict[str, str], Any]:
    """Status, headers and answer, without what is different each time."""
    changing = {"x-request-id", "content-length", "date", "retry-after"}
    headers = {name: value for name, value in response.headers.items() if name not in changing}
    answer = response.json()
    answer.get("extensions", {}).pop("cost", None)
    for error in answer.get("errors", []):
        error["extensions"].pop("requestId")
    return response.status_code, headers, answer


async def _asked(client: Client, body: Any, accept: str = "*/*") -> tuple[int, dict[str, str], Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {**client.headers, "content-type": "application/json", "accept": accept}
    return _told(await client.http.post("/graphql", content=content, headers=headers))


@pytest.mark.parametrize("accept", ["*/*", _GRAPHQL_JSON])
async def test_answers_are_the_same_however_often_it_is_asked_and_compiled_or_not(serve: Serve, accept: str) -> None:
    async with serve() as site, serve(compiled_execution="0") as slow:
        ada, nobody = await site.person(), site.client()
        slow_ada = slow.client()
        slow_ada.token = ada.token
        await ada.run('mutation { recordDream(input: {text: "A sea."}) { dream { id } } }')
        for name, body in _BODIES.items():
            expected = await _asked(slow_ada, body, accept)
            assert [await _asked(ada, body, accept) for _ in range(3)] == [expected] * 3, name
            refused = await _asked(slow.client(), body, accept)
            assert [await _asked(nobody, body, accept) for _ in range(2)] == [refused] * 2, name


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b"[" * 2_000])
async def test_bodies_that_are_no_operation_are_refused_as_ever(site: Site, body: bytes) -> None:
    status, headers, answer = await _asked(await site.person(), body)
    assert (status, headers["content-type"]) == (400, "application/json")
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_each_time_its_cost_is_taken_and_told(site: Site) -> None:
    ada = await site.person()
    left = [(await ada.post(_DREAMS, {"first": 10}))["extensions"]["cost"]["remaining"] for _ in range(3)]
    assert left[0] - left[1] == left[1] - left[2] > 10
    more = await ada.post(_DREAMS, {"first": 90})
    assert left[2] - more["extensions"]["cost"]["remaining"] > 90


async def test_who_has_nothing_left_is_refused_on_the_short_way_too(serve: Serve) -> None:
    async with serve(cost_per_minute="100") as site:
        ada = await site.person()
        answers = [await _asked(ada, {"query": _DREAMS, "variables": {"first": 10}}, _GRAPHQL_JSON) for _ in range(8)]
        assert {status for status, _, _ in answers} == {200, 429}
        assert answers[-1][2]["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_same_text_may_come_as_a_stream(site: Site) -> None:
    ada = await site.person()
    body = {"query": "{ viewer { user { name } } }"}
    for _ in range(2):
        await _asked(ada, body)
    response = await ada.http.post("/graphql", json=body, headers={**ada.headers, "accept": SSE})
    assert response.headers["content-type"].startswith(SSE)
    assert "event: next" in response.text


async def test_operation_is_validated_and_prepared_once_and_only_if_it_is_valid(site: Site) -> None:
    ada = await site.person()
    before = len(schema.prepared)
    for _ in range(3):
        await ada.post("query Once { viewer { user { id } } }")
        await ada.post("query Never { viewer { nothing } }")
    assert len(schema.prepared) == before + 1


async def test_operation_that_introspects_is_asked_anew_where_that_is_closed(serve: Serve) -> None:
    body = {"query": "query Closed { __schema { queryType { name } } }"}
    async with serve() as site, serve(introspection="0") as closed:
        ada, eve = await site.person(), closed.client()
        for _ in range(2):
            assert "errors" not in (await _asked(ada, body))[2]
        for _ in range(2):
            assert (await _asked(eve, body))[2]["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_no_more_operations_are_kept_than_there_is_room_for(site: Site) -> None:
    kept, edge = PreparedOperations(), Edge()
    ada = await site.person()
    await ada.post("{ viewer { user { id } } }")
    prepared = schema.prepared.find("{ viewer { user { id } } }", None, site.parts.edge)
    assert prepared is not None
    long = "#" * 1_000
    for number in range(600):
        kept.keep(kept.key(f"{{ __typename }} {long} {number}", None, edge), prepared)
    assert 150 < len(kept) <= 200
    assert kept.find(f"{{ __typename }} {long} 0", None, edge) is None
    assert kept.find(f"{{ __typename }} {long} 599", None, edge) is prepared


_SUBSCRIPTIONS: Mapping[str, Any] = {
    "ends at once": {
        "query": "subscription ($id: ID!) { generationProgress(id: $id) { sequence } }",
        "variables": {"id": "nothing"},
    },
    "variable of another type": {
        "query": "subscription ($id: ID!, $after: Int) { generationProgress(id: $id, after: $after) { sequence } }",
        "variables": {"id": "x", "after": "one"},
    },
    "argument out of range": {
        "query": "subscription ($since: DateTime) { viewerEvents(since: $since) { sequence } }",
        "variables": {"since": "2001-01-01T00:00:00Z"},
    },
    "invalid": {"query": "subscription { viewerEvents { nothing } }"},
    "query": {"query": "{ viewer { user { name } } }"},
    "mutation": {"query": 'mutation { updateDream(input: {dreamId: "x", title: "A sea"}) { errors { code } } }'},
}


async def _frames(client: Client, payload: Any) -> list[Any]:
    """What comes for an operation on a socket, until its end, without what is different each time."""
    frames = list[Any]()
    async with client.socket() as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": payload})
        while not frames or frames[-1]["type"] == "next":
            frames.append(await socket.receive())
    for frame in frames:
        told: Any = frame.get("payload", {})
        for error in told if frame["type"] == "error" else told.get("errors", []):
            error["extensions"].pop("requestId")
        if frame["type"] == "next":
            assert ("cost" in told.pop("extensions", {})) is (frame is frames[0])
    return frames


async def test_operations_on_sockets_are_the_same_however_often_they_come_and_compiled_or_not(serve: Serve) -> None:
    async with serve() as site, serve(compiled_execution="0") as slow:
        ada = await site.person()
        slow_ada = slow.client()
        slow_ada.token = ada.token
        for name, payload in _SUBSCRIPTIONS.items():
            expected = await _frames(slow_ada, payload)
            assert [await _frames(ada, payload) for _ in range(3)] == [expected] * 3, name


async def test_nothing_of_who_asked_is_kept_with_an_operation(site: Site) -> None:
    ada = await site.person()
    query = "query ($words: String) { viewer { dreams(search: $words) { nodes { id } } } }"
    for _ in range(3):
        await ada.post(query, {"words": "a secret dream"})
    prepared = schema.prepared.find(query, None, site.parts.edge)
    assert prepared is not None
    seen, left = set[int](), list[object]([prepared])
    while left:
        one = left.pop()
        assert type(one) is not str or one != "a secret dream"
        if id(one) not in seen and not isinstance(one, type | ModuleType | FunctionType):
            seen.add(id(one))
            left += gc.get_referents(one)
    assert len(seen) > 100
