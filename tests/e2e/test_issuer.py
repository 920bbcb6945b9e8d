"""A server whose people log in elsewhere: the issuer is on this machine, the server is a process of its own."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.accounts.outside.stand_in import AUDIENCE, ISSUER, StandIn, claims, ec, jwk, rsa, signed, standing_in
from tests.databases import database_setting
from tests.e2e.client import SIGN_UP, Client
from tests.e2e.commands import regen
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running

_WHO = "{ viewer { user { id email name } } }"
_DELETE = """mutation ($input: DeleteAccountInput!) { deleteAccount(input: $input) {
  deletedId errors { code path message } } }"""
_LOG_OUT = "mutation { logOut { errors { code message } } }"


@pytest.fixture(scope="module")
def issuer() -> Iterator[StandIn]:
    with standing_in(jwk(rsa("a"), "r"), jwk(ec("a"), "e")) as started:
        yield started


def _settings(issuer: StandIn) -> dict[str, str]:
    return {"AUTH_JWKS_URL": issuer.url, "AUTH_ISSUER": ISSUER, "AUTH_AUDIENCE": AUDIENCE}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, issuer: StandIn) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("data"), {**database_setting(), **_settings(issuer)}) as started:
        yield started


def _token(subject: str, **others: Any) -> str:
    return signed(rsa("a"), claims(sub=subject, **others), kid="r", algorithm="RS256")


@pytest.fixture
def somebody(elsewhere: Server, client_of: MakeClient) -> Client:
    return client_of(elsewhere)


async def test_token_of_the_issuer_is_a_log_in_over_http_and_sockets(somebody: Client) -> None:
    somebody.token = _token("ada", email="ada@example.com", name="Ada")
    answers = await asyncio.gather(*(somebody.run(_WHO) for _ in range(5)))
    users = [answer["viewer"]["user"] for answer in answers]
    assert {user["id"] for user in users} == {users[0]["id"]}
    assert (users[0]["email"], users[0]["name"]) == ("ada@example.com", "Ada")
    async with somebody.socket() as socket:
        (over_socket,) = [data async for data in socket.subscribe(_WHO, {})]
    assert over_socket["viewer"]["user"] == users[0]


async def test_first_sight_may_be_on_a_socket(somebody: Client) -> None:
    somebody.token = signed(ec("a"), claims(sub="first on a socket"), kid="e", algorithm="ES256")
    async with somebody.socket() as socket:
        (data,) = [data async for data in socket.subscribe(_WHO, {})]
    assert data["viewer"]["user"]["email"] is None
    assert await somebody.run(_WHO) == data


async def test_what_the_product_does_works_for_such_people(somebody: Client, car: bytes) -> None:
    somebody.token = _token("maker")
    image_id = await somebody.finished(await somebody.upload(car))
    assert image_id


@pytest.mark.parametrize(
    "token",
    [
        _token("eve", aud="https://another.example.com"),
        _token("eve", exp=1),
        signed(rsa("thief"), claims(sub="eve"), kid="r", algorithm="RS256"),
    ],
)
async def test_token_that_is_not_good_is_refused_on_both(somebody: Client, token: str) -> None:
    somebody.token = token
    answer = await somebody.post(_WHO)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert await _close_code(somebody) == 4403


async def test_log_in_and_log_out_name_the_issuer(somebody: Client) -> None:
    person = {"email": "a@example.com", "password": "a quiet sea at night", "name": "A"}
    (error,) = (await somebody.run(SIGN_UP, {"input": person}))["signUp"]["errors"]
    assert error["code"] == "FORBIDDEN"
    assert ISSUER in error["message"]
    somebody.token = _token("leaver")
    (error,) = (await somebody.run(_LOG_OUT))["logOut"]["errors"]
    assert error["code"] == "BAD_USER_INPUT"
    assert ISSUER in error["message"]


async def test_deleted_account_stays_deleted_for_its_token_and_its_socket_closes(somebody: Client) -> None:
    somebody.token = _token("goer", auth_time=1_700_000_000)
    user_id = (await somebody.run(_WHO))["viewer"]["user"]["id"]
    (error,) = (await somebody.run(_DELETE, {"input": {}}))["deleteAccount"]["errors"]
    assert (error["code"], error["path"]) == ("UNAUTHENTICATED", ["input"])
    somebody.token = _token("goer")
    async with somebody.socket() as socket:
        assert (await somebody.run(_DELETE, {"input": {}}))["deleteAccount"] == {"deletedId": user_id, "errors": []}
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.receive(), 10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    answer = await somebody.post(_WHO)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_socket_closes_when_the_token_runs_out(somebody: Client) -> None:
    somebody.token = _token("sleeper")
    await somebody.run(_WHO)
    somebody.token = _token("sleeper", exp=claims()["iat"] + 2)
    async with somebody.socket() as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.receive(), 10)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "Token expired")


def test_doctor_says_whether_the_issuer_answers(issuer: StandIn, tmp_path: Path) -> None:
    settings = {**_settings(issuer), **database_setting()}
    told = regen(tmp_path, "doctor", **settings)
    assert f"{ISSUER} answered in" in told.stdout
    assert "usable keys: r, e" in told.stdout
    with standing_in() as empty:
        told = regen(tmp_path, "doctor", **{**settings, "AUTH_JWKS_URL": empty.url})
    assert "[problem] AUTH_JWKS_URL" in told.stdout


@pytest.mark.long
async def test_issuer_that_never_answered_is_told_as_such_and_is_tried_again(
    tmp_path: Path, client_of: MakeClient
) -> None:
    with standing_in(jwk(rsa("a"), "r")) as issuer:
        issuer.mode = "error"
        with running(tmp_path, {**database_setting(), **_settings(issuer)}) as server:
            client = client_of(server)
            client.token = _token("ada")
            answer = await client.post(_WHO)
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAVAILABLE"]
            assert answer["errors"][0]["extensions"]["retryable"] is True
            assert await _close_code(client) == 1013
            issuer.mode = "keys"
            client.tries = 20
            assert await client.run(_WHO)


async def _close_code(client: Client) -> int:
    async with connect(client.sockets_url, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]
        await connection.send(
            json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {client.token}"}})
        )
        return await _closed(connection)


async def _closed(connection: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(connection.recv(), 10)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code
