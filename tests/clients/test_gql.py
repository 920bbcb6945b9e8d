"""gql, the client of Python's users: over HTTP, with a file, and over a WebSocket."""

from typing import Any

import pytest
from gql import Client, FileVar, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.clients.conftest import PHOTO, Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

_UPLOAD = """mutation ($file: Upload!) { uploadOrnament(input: { image: { upload: $file } }) {
  generation { id } errors { code } } }"""
_PROGRESS = """subscription ($id: ID!, $after: Int) { generationProgress(id: $id, after: $after) { sequence type } }"""


def _over_http(ada: Person) -> Client:
    headers = {"Authorization": f"Bearer {ada.token}", "GraphQL-Require-Preflight": "true"}
    transport = HTTPXAsyncTransport(url=ada.url, headers=headers, timeout=30)
    return Client(transport=transport, fetch_schema_from_transport=True)


def _over_socket(ada: Person) -> Client:
    payload = {"authorization": f"Bearer {ada.token}"}
    return Client(transport=WebsocketsTransport(url=ada.sockets_url, init_payload=payload))


async def _sequences(session: Any, generation_id: str, after: int = 0) -> list[int]:
    request = GraphQLRequest(_PROGRESS, variable_values={"id": generation_id, "after": after})
    return [result["generationProgress"]["sequence"] async for result in session.subscribe(request)]


async def test_gql_reads_the_schema_and_checks_operations_against_it(ada: Person) -> None:
    async with _over_http(ada) as session:
        assert (await session.execute(GraphQLRequest("{ viewer { user { name } } }")))["viewer"]["user"][
            "name"
        ] == "Ada"
        with pytest.raises(TransportQueryError) as failure:
            await session.execute(GraphQLRequest('{ generation(id: "nonsense") { id } }'))
    assert failure.value.errors is not None
    assert failure.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_gql_uploads_a_file_and_follows_what_becomes_of_it(ada: Person) -> None:
    async with _over_http(ada) as session:
        file = FileVar(str(PHOTO), content_type="image/jpeg")
        request = GraphQLRequest(_UPLOAD, variable_values={"file": file})
        payload = (await session.execute(request, upload_files=True))["uploadOrnament"]
    assert payload["errors"] == []
    async with _over_socket(ada) as session:
        assert await _sequences(session, payload["generation"]["id"]) == [*range(1, ada.events + 1)]


async def test_gql_goes_on_from_the_last_event_and_asks_on_the_same_socket(ada: Person) -> None:
    async with _over_socket(ada) as session:
        assert await _sequences(session, ada.ended, ada.events - 2) == [ada.events - 1, ada.events]
        with pytest.raises(TransportQueryError):
            await _sequences(session, "nonsense")
        assert (await session.execute(GraphQLRequest("{ viewer { user { name } } }")))["viewer"]["user"][
            "name"
        ] == "Ada"
