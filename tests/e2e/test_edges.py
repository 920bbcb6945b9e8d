"""What comes in wrong is answered with what to do, and leaves nothing behind."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.accounts.tokens import TokenSigner
from tests.databases import database_setting
from tests.e2e.client import PASSWORD, SIGN_UP, UPLOAD, Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running

_PICTURES = """{ viewer { ornamentImages { nodes { id } } generations { nodes { id } } } }"""
_EMPTY: Any = {"viewer": {"ornamentImages": {"nodes": []}, "generations": {"nodes": []}}}
_NODE = "query ($id: ID!) { node(id: $id) { id } }"


def _animation() -> bytes:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def _truncated(car: bytes) -> bytes:
    return car[: len(car) // 2]


@pytest.mark.parametrize("what", ["text", "empty", "truncated", "animation"])
async def test_what_is_no_picture_is_refused_and_leaves_nothing(ada: Client, car: bytes, what: str) -> None:
    files = {"text": b"hello, I am a text", "empty": b"", "truncated": _truncated(car), "animation": _animation()}
    payload = await ada.upload(files[what])
    assert payload["generation"] is None
    (error,) = payload["errors"]
    assert (error["code"], error["path"], error["retryable"]) == ("BAD_USER_INPUT", ["input", "image"], False)
    assert len(error["message"]) > 20
    assert await ada.run(_PICTURES) == _EMPTY


@pytest.mark.parametrize(
    ("input", "path"),
    [
        ({"backgroundColor": "the colour of rain"}, ["input", "backgroundColor"]),
        ({"prompt": "x" * 2_001}, ["input", "prompt"]),
        ({"idempotencyKey": ""}, ["input", "idempotencyKey"]),
    ],
)
async def test_wrong_argument_is_named_before_anything_is_stored(
    ada: Client, car: bytes, input: dict[str, str], path: list[str]
) -> None:
    payload = await ada.upload(car, **input)
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("BAD_USER_INPUT", path)]
    assert await ada.run(_PICTURES) == _EMPTY


async def test_picture_input_takes_exactly_one_of_file_and_id(ada: Client) -> None:
    for image in ({}, {"id": None}, {"id": "a", "upload": None}):
        answer = await ada.post(UPLOAD, {"input": {"image": image}})
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_same_idempotency_key_starts_one_generation(ada: Client, car: bytes) -> None:
    first, second = await ada.upload(car, idempotencyKey="a"), await ada.upload(car, idempotencyKey="a")
    assert first["generation"]["id"] == second["generation"]["id"]
    other = await ada.upload(car, idempotencyKey="a", prompt="another wish")
    assert [error["code"] for error in other["errors"]] == ["CONFLICT"]
    await ada.finished(first)


async def test_upload_without_preflight_header_is_refused(ada: Client, car: bytes) -> None:
    response = await ada.http.post(
        "/graphql",
        data={"operations": json.dumps({"query": "{ __typename }"}), "map": "{}"},
        files={"0": ("car.jpg", car, "image/jpeg")},
        headers=ada.headers,
    )
    assert response.status_code == 400
    assert "GraphQL-Require-Preflight" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("operations", "map"),
    [
        ("[]", "{}"),
        ("{}", "[]"),
        ("null", "null"),
        ("{}", '{"0": "x"}'),
        ('{"variables": {}}', '{"0": ["variables.a.b"]}'),
    ],
)
async def test_multipart_that_does_not_fit_together_is_no_crash(ada: Client, operations: str, map: str) -> None:
    response = await ada.http.post(
        "/graphql",
        data={"operations": operations, "map": map},
        files={"0": ("a", b"a", "image/jpeg")},
        headers={**ada.headers, "GraphQL-Require-Preflight": "true"},
    )
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_body_over_the_limit_is_cut_off(stranger: Client) -> None:
    response = await stranger.http.post("/graphql", json={"query": "{ __typename }" + " " * 1_100_000})
    assert response.status_code == 413
    assert response.json()["errors"][0]["extensions"]["requestId"] == response.headers["x-request-id"]


@pytest.mark.parametrize("body", [b"null", b'"x"', b"[]", b"\xff\xfe", b"[" * 100_000, b"{", b""])
async def test_body_that_is_no_json_object_is_answered_in_json(stranger: Client, body: bytes) -> None:
    response = await stranger.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_errors_carry_code_and_request_id(stranger: Client) -> None:
    response = await stranger.http.post(
        "/graphql", json={"query": "{ viewer { user { id } } }"}, headers={"x-request-id": "mine-12345678"}
    )
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["extensions"]["requestId"] == response.headers["x-request-id"] == "mine-12345678"
    unknown = await stranger.post("{ nothing }")
    assert unknown["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "data" not in unknown


async def test_wrong_ids_and_cursors_name_the_argument(ada: Client) -> None:
    for identity in ("", "nonsense", "T3JuYW1lbnRJbWFnZToxMjM=", "é"):
        (error,) = (await ada.post(_NODE, {"id": identity}))["errors"]
        assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("BAD_USER_INPUT", "id")
    for arguments in ('after: "x"', "first: 0", "first: 101"):
        (error,) = (await ada.post(f"{{ viewer {{ ornamentImages({arguments}) {{ nodes {{ id }} }} }} }}"))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["extensions"]["argument"] == arguments.partition(":")[0]


async def test_fragment_bomb_is_refused_quickly(stranger: Client) -> None:
    fragments = " ".join(f"fragment f{i} on Viewer {{ ...f{i + 1} ...f{i + 1} }}" for i in range(30))
    query = f"{{ viewer {{ ...f0 }} }} {fragments} fragment f30 on Viewer {{ user {{ id }} }}"
    answer = await stranger.post(query)
    assert "QUERY_TOO_COMPLEX" in {error["extensions"]["code"] for error in answer["errors"]}


async def test_expired_or_forged_token_is_unauthenticated_but_log_in_works(stranger: Client) -> None:
    user = await stranger.sign_up()
    stranger.token = "forged.token.here"
    (error,) = (await stranger.post("{ viewer { user { id } } }"))["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    log_in = "mutation ($input: LogInInput!) { logIn(input: $input) { session { accessToken } errors { code } } }"
    payload = (await stranger.run(log_in, {"input": {"email": user["email"], "password": PASSWORD}}))["logIn"]
    assert payload["session"]["accessToken"]


async def test_refused_sign_up_says_why(ada: Client) -> None:
    variables = {"input": {"email": "not an address", "password": "x", "name": "A"}}
    payload = (await ada.run(SIGN_UP, variables))["signUp"]
    assert (payload["session"], payload["errors"][0]["path"]) == (None, ["input", "email"])


async def test_session_is_refreshed_and_ended(ada: Client) -> None:
    refresh = """mutation ($t: String!) { refreshSession(input: { refreshToken: $t }) {
      session { accessToken refreshToken } errors { code message } } }"""
    first = (await ada.run(refresh, {"t": ada.session["refreshToken"]}))["refreshSession"]
    assert first["session"]["refreshToken"] != ada.session["refreshToken"]
    ada.token = first["session"]["accessToken"]
    assert await ada.run("mutation { logOut { errors { code } } }") == {"logOut": {"errors": []}}
    ended = (await ada.run(refresh, {"t": first["session"]["refreshToken"]}))["refreshSession"]
    assert [error["code"] for error in ended["errors"]] == ["UNAUTHENTICATED"]


async def test_socket_with_a_forged_token_is_closed(server: Server) -> None:
    async with connect(server.sockets_url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": "Bearer forged"}}))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


async def _errors_of(client: Client, query: str, variables: dict[str, Any]) -> Any:
    """The first message's errors; the socket still answers after it."""
    async with client.socket() as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": {"query": query, "variables": variables}})
        message = await socket.receive()
        await socket.send({"type": "ping"})
        while (await socket.receive())["type"] != "pong":
            pass
    payload: Any = message["payload"]
    return payload if message["type"] == "error" else payload["errors"]


async def test_failing_subscription_leaves_the_socket_alive(ada: Client) -> None:
    progress = "subscription ($id: ID!) { generationProgress(id: $id) { sequence } }"
    for query, variables, code in (
        ("subscription {", {}, "BAD_USER_INPUT"),
        ("subscription { nothing }", {}, "BAD_USER_INPUT"),
        (progress, {"id": "nonsense"}, "BAD_USER_INPUT"),
        (progress, {"id": "R2VuZXJhdGlvbjo2YjAwMzI2ZTg3OTFkNTE3ZDQyYjAwMDA="}, "NOT_FOUND"),
    ):
        errors = await _errors_of(ada, query, variables)
        assert [error["extensions"]["code"] for error in errors] == [code], (query, errors)


async def test_follower_who_comes_back_gets_the_rest_alone(ada: Client, car: bytes) -> None:
    payload = await ada.upload(car)
    generation_id = payload["generation"]["id"]
    whole = await ada.follow(generation_id)
    rest = await ada.follow(generation_id, after=2)
    assert [event["sequence"] for event in rest] == [event["sequence"] for event in whole][2:]
    assert await ada.follow(generation_id, after=len(whole)) == []


async def test_health_is_told_without_a_token(server: Server) -> None:
    async with httpx2.AsyncClient(base_url=server.url) as http:
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        assert (await http.get("/readyz")).json() == {"status": "ok", "database": "ok", "queue": "ok"}


async def test_unknown_host_is_refused(server: Server) -> None:
    async with httpx2.AsyncClient(base_url=server.url) as http:
        assert (await http.get("/graphql", headers={"host": "evil.example"})).status_code == 400
        assert (await http.get("/healthz", headers={"host": "10.0.0.7:8000"})).status_code == 200


@pytest.mark.long
async def test_socket_is_closed_when_its_token_runs_out(tmp_path: Path, client_of: MakeClient) -> None:
    secret = "s" * 40
    with running(tmp_path, {**database_setting(), "JWT_SECRET": secret}) as server:
        ada = client_of(server)
        await ada.sign_up()
        claims = TokenSigner(secret.encode()).read(ada.token or "")
        short = TokenSigner(secret.encode(), lifetime=timedelta(seconds=2))
        ada.token, expires_at = short.issue(claims.user_id, claims.session_id)
        async with ada.socket() as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    assert datetime.now(UTC) >= expires_at
