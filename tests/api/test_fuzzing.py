"""Whatever comes in: no fault of ours, no exception's text, nothing left running."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase
from schemathesis.graphql import nodes
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.api.site import Site, served

_ROOT = Path(__file__).parent.parent.parent
_LIBRARY: Any = schemathesis  # its generics are partly untyped
_OPERATIONS = _LIBRARY.graphql.from_path(_ROOT / "schema.graphql").exclude(name="Mutation.logOut")
for _scalar in ("Upload", "Decimal"):
    schemathesis.graphql.scalar(_scalar, st.text(max_size=20).map(nodes.String))
_INTERNAL = ("Traceback", 'File "', "site-packages", '"INTERNAL"', "object at 0x")
_LOUD = frozenset({"uvicorn.error", "asyncio", "strawberry.ws.task", "strawberry.ws"})
_QUIET = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    derandomize=True,
)

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_query = st.sampled_from(
    [
        "{ viewer { user { id } } }",
        "query ($id: ID!) { node(id: $id) { id } }",
        "query ($n: Int, $s: [GenerationStatus!]) { viewer { generations(first: $n, status: $s) { nodes { id } } } }",
        "mutation ($input: LogInInput!) { logIn(input: $input) { errors { code } } }",
        "mutation ($input: RecordDreamInput!) { recordDream(input: $input) { errors { code } } }",
        "mutation ($input: UploadOrnamentInput!) { uploadOrnament(input: $input) { errors { code } } }",
        "subscription { viewerEvents { sequence } }",
        "subscription ($id: ID!) { generationProgress(id: $id) { sequence } }",
        "{ __schema { types { name } } }",
        "{",
        "",
    ]
)
_variables = st.fixed_dictionaries(
    {},
    optional={
        "id": _json,
        "n": _json,
        "s": _json,
        "input": _json
        | st.fixed_dictionaries(
            {}, optional=dict.fromkeys(("email", "password", "text", "image", "prompt", "tags"), _json)
        ),
    },
)
_request = st.fixed_dictionaries(
    {},
    optional={
        "query": _query | _json,
        "variables": _variables | _json,
        "operationName": _json,
        "extensions": _json,
        "documentId": _json,
    },
)
_message = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["subscribe", "complete", "ping", "pong", "connection_init", "next", "error"]) | _json,
        "id": st.sampled_from(["1", "2", ""]) | _json,
        "payload": _request | _json,
    },
)


@pytest.fixture
async def site(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with served(database, mongodb_url, tmp_path) as opened:
        yield opened


async def _fuzzed(site: Site, caplog: pytest.LogCaptureFixture, fuzz: Callable[[], None]) -> None:
    """Run in a thread what asks the server, and see what that has left."""
    with caplog.at_level(logging.WARNING):
        await asyncio.to_thread(fuzz)
    await site.settled()
    loud = [
        record.getMessage() for record in caplog.records if record.name in _LOUD and record.levelno > logging.WARNING
    ]
    assert loud == []


def _check(text: str) -> None:
    for word in _INTERNAL:
        assert word not in text


def _check_close(closed: ConnectionClosed) -> None:
    assert closed.rcvd is not None
    assert 4400 <= closed.rcvd.code < 4500
    _check(closed.rcvd.reason)


@pytest.mark.long
async def test_operations_of_every_shape_meet_no_fault(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    ada = await site.person()
    url = f"{ada.http.base_url}/graphql"

    @_QUIET
    @given(_OPERATIONS.as_strategy())
    def fuzz(case: Any) -> None:
        response = case.call(base_url=url, headers=ada.headers)
        case.validate_response(response, checks=[_LIBRARY.checks.not_a_server_error])
        assert response.status_code < 500
        _check(response.text)

    await _fuzzed(site, caplog, fuzz)


@pytest.mark.long
async def test_bodies_of_every_shape_meet_no_fault(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    ada = await site.person()
    with httpx2.Client(base_url=ada.http.base_url, headers=ada.headers) as http:

        @_QUIET
        @given(
            (_request | _json).map(lambda one: json.dumps(one).encode()) | st.binary(max_size=60),
            st.sampled_from(
                ["application/json", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain"]
            ),
            st.sampled_from(["*/*", "application/graphql-response+json", "text/event-stream", "multipart/mixed", ""]),
        )
        def fuzz(body: bytes, content_type: str, accept: str) -> None:
            headers = {"content-type": content_type, "accept": accept, "graphql-require-preflight": "1"}
            with http.stream("POST", "/graphql", content=body, headers=headers) as response:
                assert response.status_code < 500
                if "stream" not in response.headers["content-type"] and "mixed" not in response.headers["content-type"]:
                    _check(response.read().decode())

        await _fuzzed(site, caplog, fuzz)


@pytest.mark.long
async def test_fields_of_a_url_of_every_shape_meet_no_fault(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    ada = await site.person()
    with httpx2.Client(base_url=ada.http.base_url, headers=ada.headers) as http:

        @_QUIET
        @given(
            st.dictionaries(
                st.sampled_from(["query", "variables", "extensions", "operationName", "documentId"]),
                _json.map(json.dumps) | st.text(max_size=20) | _query,
            )
        )
        def fuzz(params: dict[str, str]) -> None:
            response = http.get("/graphql", params=params)
            assert response.status_code < 500
            _check(response.text)

        await _fuzzed(site, caplog, fuzz)


@pytest.mark.long
async def test_messages_of_every_shape_meet_no_fault(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    ada = await site.person()
    init = json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {ada.token}"}})

    @_QUIET
    @given(st.booleans(), st.lists((_message | _json).map(json.dumps) | st.text(max_size=9) | st.binary(max_size=9)))
    def fuzz(is_known: bool, messages: list[str | bytes]) -> None:  # noqa: FBT001 - hypothesis' argument
        with connect(ada.sockets_url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            try:
                for message in ([init] if is_known else []) + messages:
                    socket.send(message)
                socket.send(json.dumps({"type": "ping"}))
                while json.loads(said := socket.recv(timeout=10))["type"] != "pong":
                    _check(str(said))
            except ConnectionClosed as closed:
                _check_close(closed)

    await _fuzzed(site, caplog, fuzz)
