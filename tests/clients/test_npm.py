"""The clients that people take from npm, each as its users use it, at one real server."""

from typing import Any

import pytest

from tests.clients.conftest import Person, Run

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _assert_operations_went_well(found: Any, ada: Person) -> None:
    """What graphql-ws and graphql-sse are both asked for."""
    assert found["first"]["type"] == "SNAPSHOT"
    assert [one["data"] for one in found["query"]] == [{"viewer": {"user": {"name": "Ada"}}}]
    template: Any = {"createTemplate": {"template": {"text": "Make it shine"}, "errors": []}}
    assert [one["data"] for one in found["mutation"]] == [template]
    for (answer,) in (found["query"], found["mutation"]):
        assert answer.keys() == {"data", "extensions"}
        assert answer["extensions"]["cost"]["requested"] > 0
    assert found["parallel"] == [[*range(after + 1, ada.events + 1)] for after in range(5)]
    assert [found[kind] for kind in ("syntax", "misspelt", "argument")] == [["BAD_USER_INPUT"]] * 3
    assert found["subscription"] == [*range(1, len(found["subscription"]) + 1)]
    assert len(found["subscription"]) > 2
    assert found["siblingHeardTheEnd"]
    assert found["afterCancel"] == 0


async def test_all_61_audits_of_graphql_http_pass(run: Run) -> None:
    results = await run("http.mjs")
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61


async def test_graphql_ws_does_everything_on_one_socket_and_comes_back_when_it_is_cut(run: Run, ada: Person) -> None:
    found = await run("socket.mjs")
    _assert_operations_went_well(found, ada)
    assert found["pongReceived"] is True
    assert found["closedBefore"] == [], "no error of an operation closes the socket"
    assert (found["connected"], found["closed"][0]) == (2, 4499)
    assert found["heardAgain"]


async def test_graphql_sse_does_everything_with_a_connection_an_operation(run: Run, ada: Person) -> None:
    found = await run("events.mjs")
    _assert_operations_went_well(found, ada)
    assert (found["stranger"], found["strangerIsDone"]) == (["UNAUTHENTICATED"], True)


async def test_apollo_follows_by_multipart_and_uploads_a_file(run: Run, ada: Person) -> None:
    found = await run("apollo.mjs")
    assert (found["query"], found["mutation"]) == ("Ada", "Make it shine")
    assert (found["misspelt"], found["argument"]) == (["BAD_USER_INPUT"], ["BAD_USER_INPUT"])
    assert found["subscription"] == [*range(1, len(found["subscription"]) + 1)]
    assert len(found["subscription"]) > 2
    assert found["cancelled"]["viewerEvents"]["type"] == "SNAPSHOT"
    once, stream = "application/graphql-response+json", "multipart/mixed"
    assert found["contentTypes"][:6] == [once, once, once, stream, stream, stream]
    assert found["uploadErrors"] == []
    assert len(found["made"]) == ada.events


async def test_urql_gets_one_answer_where_one_will_do_and_a_stream_for_a_subscription(run: Run) -> None:
    found = await run("urql.mjs")
    assert (found["query"], found["mutation"]) == ("Ada", "Make it shine")
    assert (found["misspelt"], found["argument"]) == (["BAD_USER_INPUT"], ["BAD_USER_INPUT"])
    assert found["subscription"] == [*range(1, len(found["subscription"]) + 1)]
    assert len(found["subscription"]) > 2
    assert found["subscriptionErrors"] == []
    assert found["cancelled"]["viewerEvents"]["type"] == "SNAPSHOT"
    once, stream = "application/graphql-response+json", "text/event-stream"
    assert found["contentTypes"] == [once, once, once, stream, stream, stream]
