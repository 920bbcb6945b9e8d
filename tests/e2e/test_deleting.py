"""An account is deleted at a real server: every way in is shut, and what is open is closed."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.e2e.client import PASSWORD, SIGN_UP, Client, Socket
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server

_DELETE = "mutation ($input: DeleteAccountInput!) { deleteAccount(input: $input) { deletedId errors { code path } } }"
_LOG_IN = "mutation ($input: LogInInput!) { logIn(input: $input) { viewer { id } errors { code path } } }"
_REFRESH = "mutation ($input: RefreshSessionInput!) { refreshSession(input: $input) { errors { code path } } }"
_EVENTS = "subscription { viewerEvents { type } }"
_INPUT = {"input": {"password": PASSWORD}}


async def _end(socket: Socket) -> tuple[int | None, str | None]:
    """How the server closes it, whatever it says before."""
    await socket.connection.wait_closed()
    return socket.connection.close_code, socket.connection.close_reason


async def test_every_way_in_is_shut_and_open_streams_end(
    ada: Client, server: Server, client_of: MakeClient, car: bytes
) -> None:
    email = (await ada.run("{ viewer { user { email } } }"))["viewer"]["user"]["email"]
    await ada.finished(await ada.upload(car))
    other = client_of(server)
    await other.sign_up()
    async with ada.socket() as following, ada.socket() as asking, other.socket() as bystander:
        await following.send({"type": "subscribe", "id": "1", "payload": {"query": _EVENTS}})
        payload = {"query": _DELETE, "variables": _INPUT}
        await asking.send({"type": "subscribe", "id": "1", "payload": payload})
        answer = (await asking.receive())["payload"]["data"]["deleteAccount"]
        assert answer["errors"] == []
        assert (await asking.receive())["type"] == "complete"
        await asking.send({"type": "subscribe", "id": "2", "payload": {"query": "{ viewer { id } }"}})
        (error,) = (await asking.receive())["payload"]["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        async with asyncio.timeout(10):
            assert await _end(following) == await _end(asking) == (4403, "Account deleted")
        await bystander.send({"type": "ping"})
        assert (await bystander.receive())["type"] == "pong"
    refused = await ada.post("{ viewer { id } }")
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["UNAUTHENTICATED"]
    assert "does not exist any more" in refused["errors"][0]["message"]
    with pytest.raises(ConnectionClosed):
        async with ada.socket():
            pass
    await _assert_unknown(client_of(server), email, ada.session["refreshToken"])


async def _assert_unknown(stranger: Client, email: str, refresh_token: str) -> None:
    log_in = {"input": {"email": email, "password": PASSWORD}}
    answer: Any = (await stranger.run(_LOG_IN, log_in))["logIn"]
    assert answer == {"viewer": None, "errors": [{"code": "UNAUTHENTICATED", "path": ["input"]}]}
    answer = (await stranger.run(_REFRESH, {"input": {"refreshToken": refresh_token}}))["refreshSession"]
    assert [error["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    again = (await stranger.run(SIGN_UP, {"input": {**log_in["input"], "name": "Ada"}}))["signUp"]
    assert again["errors"] == []
    stranger.token = again["session"]["accessToken"]
    gallery = "{ viewer { ornamentImages { nodes { id } } generations { nodes { id } } } }"
    empty: Any = {"viewer": {"ornamentImages": {"nodes": []}, "generations": {"nodes": []}}}
    assert await stranger.run(gallery) == empty
