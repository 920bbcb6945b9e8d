"""The list of attacks, each with its answer and its bound."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.api.limits import MAX
from tests.api.shop import Shop, opened_shop
from tests.api.site import Site, served

_BOUND_S = 1.0
"""Ten times what an answer may take of the processor."""

_CHAIN = " ".join(f"fragment f{i} on Viewer {{ ...f{i + 1} ...f{i + 1} }}" for i in range(180))
_WIDE = " ".join(f"fragment g{i} on Viewer {{ " + f"...g{i + 1} " * 9 + "}" for i in range(70))
_QUERIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "aliases": ("{" + " ".join(f"a{n}: viewer {{ id }}" for n in range(10_000)) + "}", "BAD_USER_INPUT"),
        "aliases within the tokens": (
            "{" + " ".join(f"a{n}: __typename" for n in range(600)) + "}",
            "QUERY_TOO_COMPLEX",
        ),
        "nesting": ("{ a" * 5_000 + "}" * 5_000, "BAD_USER_INPUT"),
        "nesting within the tokens": (
            "{ viewer { ornamentImages { nodes " + "{ parent " * 300 + "{ id }" + "}" * 300 + "}}}",
            "BAD_USER_INPUT",
        ),
        "lists in lists": (
            "{ viewer { ornamentImages(first: 100) { nodes "
            + "{ children(first: 100) { nodes " * 5
            + "{ id }"
            + "}}" * 5
            + "}}}",
            "QUERY_TOO_COMPLEX",
        ),
        "circle": ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "BAD_USER_INPUT"),
        "bomb": (f"{{ viewer {{ ...f0 }} }} {_CHAIN} fragment f180 on Viewer {{ id }}", "QUERY_TOO_COMPLEX"),
        "wide bomb": (f"{{ viewer {{ ...g0 }} }} {_WIDE} fragment g70 on Viewer {{ id }}", "QUERY_TOO_COMPLEX"),
        "directives": ("{ __typename " + "@skip(if: false) " * 5_000 + "}", "BAD_USER_INPUT"),
        "directives within the tokens": ("{ __typename " + "@a " * 900 + "}", "QUERY_TOO_COMPLEX"),
        "same field": ("{" + " __typename" * 1_900 + "}", "QUERY_TOO_COMPLEX"),
        "overlapping fields": (
            "{ viewer { " + " ".join("dreams { nodes { id text status } }" for _ in range(215)) + "} }",
            "QUERY_TOO_COMPLEX",
        ),
        "same field within the fields": ("{ viewer {" + " id" * 900 + "} }", "QUERY_TOO_COMPLEX"),
        "overlapping fields within the fields": (
            "{ viewer { " + "dreams { nodes { id text status } } " * 190 + "} }",
            "QUERY_TOO_COMPLEX",
        ),
        "same field in a fragment of no use": (
            "{ __typename } fragment a on Viewer { " + "dreams { nodes { id } } " * 190 + "}",
            "QUERY_TOO_COMPLEX",
        ),
        "overlapping fragments": (
            "{ viewer { "
            + " ".join(f"...f{n}" for n in range(150))
            + "} } "
            + " ".join(f"fragment f{n} on Viewer {{ id }}" for n in range(150)),
            "QUERY_TOO_COMPLEX",
        ),
        "circle of pairs": (
            "{ viewer { ...a } } fragment a on Viewer { user { ...a } user { ...a } id { ...a } id { ...a } }",
            "QUERY_TOO_COMPLEX",
        ),
        "introspection in a circle": (
            "{ __schema { types " + "{ fields { type " * 60 + "{ name }" + "}}" * 60 + "}}",
            "BAD_USER_INPUT",
        ),
        "comment": ("#" + "x" * 190_000 + "\n{ nothing }", "BAD_USER_INPUT"),
        "string": ('{ node(id: "' + "x" * 190_000 + '") { id } }', "BAD_USER_INPUT"),
        "block string": ('{ node(id: """' + "\\n " * 60_000 + '""") { id } }', "BAD_USER_INPUT"),
        "number": ("{ viewer { dreams(first: " + "9" * 100_000 + ") { nodes { id } } } }", "BAD_USER_INPUT"),
        "defer": ("{ viewer { ... @defer { id } } }", "BAD_USER_INPUT"),
        "stream": ("{ viewer { dreams { nodes @stream { id } } } }", "BAD_USER_INPUT"),
        "operations": (" ".join(f"query q{n} {{ __typename }}" for n in range(350)), "BAD_USER_INPUT"),
        "variables": ("query (" + " ".join(f"$a{n}: Int" for n in range(490)) + ") { __typename }", "BAD_USER_INPUT"),
        "lone surrogate": ('{ node(id: "\\ud800") { id } }', "BAD_USER_INPUT"),
    }
)


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


@pytest.fixture
async def site(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with served(database, mongodb_url, tmp_path) as opened:
        yield opened


async def test_each_query_of_the_list_has_its_answer_at_little_cost(shop: Shop) -> None:
    for name, (query, code) in _QUERIES.items():
        started = time.process_time()
        _, errors = await shop.answer(query)
        took_s = time.process_time() - started
        assert code in {found for found, _ in errors}, (name, errors)
        assert "INTERNAL" not in {found for found, _ in errors}, name
        assert took_s < _BOUND_S, (name, took_s)


async def test_largest_operation_that_passes_is_checked_at_little_cost(shop: Shop) -> None:
    wide = " ".join("user { id name }" for _ in range(30))
    query = "{ viewer { " + " ".join(f"a{n}: id" for n in range(MAX.aliases)) + " id " * 80 + wide + " } }"
    started = time.process_time()
    await shop.run(query)
    assert time.process_time() - started < _BOUND_S


async def test_bodies_of_the_list_are_refused_while_they_come(site: Site) -> None:
    nobody = site.client()
    deep = b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
    batch = json.dumps([{"query": "{ __typename }"}] * 1_000).encode()
    long = json.dumps({"query": "#" + "x" * 900_000 + "\n{ __typename }"}).encode()
    for content, status in (
        (long, 400),
        (b"[" * 50_000_000, 413),
        (deep, 400),
        (deep[: len(deep) // 2], 400),
        (batch, 400),
    ):
        response = await nobody.http.post("/graphql", content=content, headers={"content-type": "application/json"})
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (status, "BAD_USER_INPUT")
    boundary = b'--x\r\ncontent-disposition: form-data; name="0"; filename="a"\r\n\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x", "graphql-require-preflight": "1"}
    response = await nobody.http.post("/graphql", content=boundary + b"0" * 30_000_000, headers=headers)
    assert response.status_code == 413


_TYPES: tuple[Any, ...] = (
    [],
    7,
    None,
    "x",
    {},
    {"type": 1},
    {"type": {"a": 1}},
    {"type": "nothing"},
    {"type": "subscribe"},
    {"type": "subscribe", "id": {}, "payload": {"query": "{ __typename }"}},
    {"type": "subscribe", "id": "1", "payload": None},
    {"type": "subscribe", "id": "1", "payload": {"query": {"a": 1}}},
    {"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": "x"}},
    {"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "extensions": 1}},
    {"type": "complete", "id": ["1"]},
)


async def test_messages_of_other_types_close_the_socket_with_a_reason(site: Site) -> None:
    ada = await site.person()
    for message in _TYPES:
        async with ada.socket() as socket:
            await socket.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4400, message
            assert closed.value.rcvd.reason
    await site.settled()


async def test_message_over_256_kb_and_deep_json_end_the_socket(site: Site) -> None:
    ada = await site.person()
    for content, code in (("x" * 262_145, 1009), ("[" * 100_000, 4400), (b"\x00", 4400)):
        async with ada.socket() as socket:
            await socket.connection.send(content)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code, content[:1]
    await site.settled()


async def test_page_of_another_origin_opens_no_socket(site: Site) -> None:
    nobody = site.client()
    with pytest.raises(Exception, match="HTTP 403"):
        await connect(
            nobody.sockets_url,
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
            origin="https://evil.example",  # type: ignore[arg-type]
        )
