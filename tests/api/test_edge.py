"""What the edge lets in and what it tells, over HTTP and on sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.accounts.sessions import Client as ServiceClient
from app.accounts.tokens import TokenSigner
from tests.api.site import Site, served
from tests.e2e.client import APOLLO, SSE, Client, Socket

_CLIENT = ServiceClient()
_ME = "{ viewer { user { id } } }"
_EVENTS = "subscription { viewerEvents { sequence } }"
_STREAMS = (SSE, APOLLO)
_WRONG_ID = 'subscription { generationProgress(id: "x") { sequence } }'
"""Ends with its first message: Apollo's protocol is for subscriptions alone."""
_SECRET = "s" * 40
_PRODUCTION: Mapping[str, str] = {
    "app_env": "production",
    "jwt_secret": _SECRET,
    "media_url_key": "m" * 40,
    "allowed_hosts": "127.0.0.1",
}

type Serve = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def serve(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> Serve:
    return partial(served, database, mongodb_url, tmp_path)


@pytest.fixture
async def site(serve: Serve) -> AsyncIterator[Site]:
    async with serve() as opened:
        yield opened


async def _first(socket: Socket, query: str, **payload: Any) -> Any:
    """The first message of an operation."""
    await socket.send({"type": "subscribe", "id": "1", "payload": {"query": query, **payload}})
    return await socket.receive()


async def _end(socket: Socket) -> tuple[int, str]:
    try:
        while True:
            await socket.receive()
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


async def test_answer_says_what_it_cost_and_what_is_left(site: Site) -> None:
    ada = await site.person()
    first, second = [(await ada.post(_ME))["extensions"]["cost"] for _ in range(2)]
    assert (first["requested"], first["limit"], first["remaining"]) == (3, 1_000_000, 999_997)
    assert (second["remaining"], second["resetAt"]) == (999_994, first["resetAt"])
    listed = await ada.post("{ viewer { dreams(first: 40) { nodes { id text } } } }")
    assert listed["extensions"]["cost"]["requested"] == 1 + 1 + 40 * 3


async def test_socket_tells_it_with_the_first_message_of_an_operation(site: Site) -> None:
    ada = await site.person()
    async with ada.socket() as socket:
        assert (await _first(socket, _ME))["payload"]["extensions"]["cost"]["requested"] == 3
        assert (await socket.receive())["type"] == "complete"


async def test_stream_over_http_tells_it_with_its_first_message(site: Site) -> None:
    ada = await site.person()
    assert '"extensions":{"cost":{"requested":3,"limit":1000000,' in await ada.streamed(SSE, _ME)
    for accept in _STREAMS:
        assert '"extensions":{"cost":{"requested":2,"limit":1000000,' in await ada.streamed(accept, _WRONG_ID)


async def test_who_has_spent_everything_is_told_when_to_come_back(serve: Serve) -> None:
    async with serve(cost_per_minute=60) as site:
        ada, bob = await site.person(), await site.person()
        while "errors" not in (answer := await ada.post(_ME)):
            pass
        (error,) = answer["errors"]
        assert "data" not in answer
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert error["extensions"]["retryable"]
        wait_s = error["extensions"]["retryAfterSeconds"]
        assert 0 < wait_s <= 60
        for accept, status in (("application/json", 200), ("application/graphql-response+json", 429)):
            response = await ada.http.post("/graphql", json={"query": _ME}, headers={**ada.headers, "accept": accept})
            assert (response.status_code, int(response.headers["retry-after"]) <= wait_s) == (status, True)
        async with ada.socket() as socket:
            refused = await _first(socket, _ME)
            assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")
        for accept in _STREAMS:  # it has begun, and its status with it
            told = await ada.streamed(accept, _WRONG_ID)
            assert ('"code":"RATE_LIMITED"' in told, '"retryAfterSeconds":' in told) == (True, True)
            assert '"data"' not in told
        assert "errors" not in await bob.post(_ME)


async def test_too_many_requests_are_refused_before_they_are_read(serve: Serve) -> None:
    async with serve(requests_per_minute=6) as site:
        ada, nobody = await site.person(), site.client()
        for _ in range(6):
            await ada.post("{")
        response = await ada.http.post("/graphql", content=b"", headers=ada.headers)
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
        assert 0 < int(response.headers["retry-after"]) <= 60
        assert response.json()["errors"][0]["extensions"]["retryAfterSeconds"] == int(response.headers["retry-after"])
        for accept in _STREAMS:
            async with ada.stream(accept, _EVENTS) as stream:
                assert (stream.status_code, "retry-after" in stream.headers) == (429, True)
        photo = {"file": ("a.jpg", b"a", "image/jpeg")}
        upload = await ada.http.post("/uploads", files=photo, headers=ada.headers)
        assert (upload.status_code, upload.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
        assert 0 < int(upload.headers["retry-after"]) <= 60
        for _ in range(5):  # to sign up was the first one of this address
            assert "errors" not in await nobody.post("{ __typename }")
        with pytest.raises(InvalidStatus) as refused:
            await connect(nobody.sockets_url, subprotocols=["graphql-transport-ws"])  # type: ignore[list-item]
        assert refused.value.response.status_code == 429
        assert "retry-after" in refused.value.response.headers


async def test_streams_and_uploads_are_requests_too(serve: Serve) -> None:
    async with serve(requests_per_minute=3) as site:
        ada = await site.person()
        for accept in _STREAMS:
            assert "RATE_LIMITED" not in await ada.streamed(accept, "{ __typename }")
        photo = {"file": ("a.jpg", b"a", "image/jpeg")}
        assert (await ada.http.post("/uploads", files=photo, headers=ada.headers)).status_code == 400
        assert (await ada.http.post("/uploads", files=photo, headers=ada.headers)).status_code == 429
        assert "RATE_LIMITED" in await ada.streamed(SSE, "{ __typename }")


async def test_operations_on_a_socket_are_requests_too(serve: Serve) -> None:
    async with serve(requests_per_minute=5) as site:
        ada = await site.person()
        async with ada.socket() as socket:  # its handshake was nobody's: the token comes later
            for _ in range(5):
                assert (await _first(socket, "{"))["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
            assert (await _first(socket, "{"))["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_one_user_has_so_many_sockets_and_gets_one_back_by_closing_one(serve: Serve) -> None:
    async with serve(sockets_per_user=2) as site:
        ada, bob = await site.person(), await site.person()
        async with ada.socket():
            async with ada.socket(), bob.socket():
                with pytest.raises(ConnectionClosed) as closed:
                    async with ada.socket():
                        pass
                assert closed.value.rcvd is not None
                assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (
                    4429,
                    "At most 2 sockets: close one first",
                )
            async with asyncio.timeout(5):
                while len(site.parts.edge.seats) > 1:  # noqa: ASYNC110 - the server hears of it when it does
                    await asyncio.sleep(0.01)
            async with ada.socket():
                pass
        await site.settled()


async def test_socket_runs_so_many_operations_at_once_and_refuses_one_more_without_closing(site: Site) -> None:
    ada = await site.person()
    async with ada.socket() as socket:
        for number in range(101):
            await socket.send({"type": "subscribe", "id": f"{number}", "payload": {"query": _EVENTS}})
        refused = await socket.receive()
        assert (refused["type"], refused["id"]) == ("error", "100")
        assert refused["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await socket.send({"type": "complete", "id": "1"})
        assert (await _first(socket, _ME))["type"] == "next"
        await _all_follow(site, 99)  # who is cut off while it connects to the database leaves a socket to the collector
    await site.settled()


async def _all_follow(site: Site, number: int) -> None:
    """Return when so many follow something, and each waits for news."""
    async with asyncio.timeout(30):
        while site.parts.hub.followers.count < number or not site.parts.hub.followers.idle:  # noqa: ASYNC110 - of many, none tells
            await asyncio.sleep(0.02)


async def _following(client: Client, socket: Socket, site: Site) -> None:
    """Returns when the server follows the person's work for this socket."""
    await socket.send({"type": "subscribe", "id": "f", "payload": {"query": _EVENTS}})
    async with asyncio.timeout(5):
        while site.parts.hub.followers.idle:  # noqa: ASYNC110 - it is the server that begins it
            await asyncio.sleep(0.01)
    assert client.token


async def test_log_out_ends_the_sockets_of_its_session_and_no_others(site: Site) -> None:
    phone = await site.person()
    log_in = "mutation ($i: LogInInput!) { logIn(input: $i) { session { accessToken } errors { code } } }"
    email = (await phone.run("{ viewer { user { email } } }"))["viewer"]["user"]["email"]
    laptop = site.client()
    answer = await laptop.run(log_in, {"i": {"email": email, "password": "a quiet sea at night"}})
    laptop.token = answer["logIn"]["session"]["accessToken"]
    async with phone.socket() as idle, phone.socket() as following, laptop.socket() as other:
        await _following(phone, following, site)
        started = time.monotonic()
        assert (await phone.run("mutation { logOut { errors { code } } }"))["logOut"]["errors"] == []
        assert await _end(idle) == await _end(following) == (4403, "Logged out")
        assert time.monotonic() - started < 3
        assert (await _first(other, _ME))["type"] == "next"
        with pytest.raises(ConnectionClosed):
            async with phone.socket():
                pass
        (error,) = (await phone.post(_ME))["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
    await site.settled()


@pytest.mark.parametrize("accept", _STREAMS)
async def test_log_out_ends_the_streams_of_its_session_and_says_so(site: Site, accept: str) -> None:
    ada, bob = await site.person(), await site.person()
    async with asyncio.timeout(10), ada.stream(accept, _EVENTS) as stream, bob.stream(accept, _EVENTS):
        while site.parts.hub.followers.count < 2:  # noqa: ASYNC110 - it is the server that begins it
            await asyncio.sleep(0.01)
        started = time.monotonic()
        assert (await ada.run("mutation { logOut { errors { code } } }"))["logOut"]["errors"] == []
        told = (await stream.aread()).decode()
        assert time.monotonic() - started < 3
        assert "This session was ended. Log in again." in told
        assert '"code":"UNAUTHENTICATED"' in told
        assert (site.streams.count, site.parts.hub.followers.count) == (1, 1)
    await site.settled()


async def test_log_out_over_a_stream_is_answered(site: Site) -> None:
    ada = await site.person()
    assert '"logOut":{"errors":[]}' in await ada.streamed(SSE, "mutation { logOut { errors { code } } }")
    await site.settled()


@pytest.mark.long
async def test_socket_that_says_no_hello_is_closed_after_five_seconds(site: Site) -> None:
    started = time.monotonic()
    async with connect(site.client().sockets_url, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]
        await connection.send(json.dumps({"type": "ping"}))  # which is none
        assert await _end(Socket(connection)) == (4408, "Connection initialisation timeout")
    assert 4.5 < time.monotonic() - started < 10
    await site.settled()


async def test_stolen_refresh_token_ends_the_sockets_too(site: Site) -> None:
    ada = await site.person()
    refresh = "mutation ($t: String!) { refreshSession(input: { refreshToken: $t }) { errors { code } } }"
    old = ada.session["refreshToken"]
    async with ada.socket() as socket:
        newer = "mutation ($t: String!) { refreshSession(input: { refreshToken: $t }) { session { refreshToken } } }"
        second = (await ada.run(newer, {"t": old}))["refreshSession"]["session"]["refreshToken"]
        await ada.run(newer, {"t": second})
        assert (await ada.run(refresh, {"t": old}))["refreshSession"]["errors"]
        assert await _end(socket) == (4403, "Logged out")
    await site.settled()


async def test_token_that_runs_out_ends_what_the_socket_follows(serve: Serve) -> None:
    async with serve(jwt_secret=_SECRET) as site:
        ada = await site.person()
        claims = TokenSigner(_SECRET.encode()).read(ada.token or "")
        short = TokenSigner(_SECRET.encode(), lifetime=timedelta(seconds=5))
        ada.token, expires_at = short.issue(claims.user_id, claims.session_id)
        async with ada.socket() as socket:
            await _following(ada, socket, site)
            assert await _end(socket) == (4403, "Token expired")
            assert time.time() - expires_at.timestamp() < 2
        await site.settled()


async def test_every_answer_carries_the_security_headers(serve: Serve) -> None:
    async with serve(public_url="https://regen.example") as site:
        nobody = site.client()
        answers = [
            await nobody.http.post("/graphql", json={"query": "{ __typename }"}),
            await nobody.http.post("/graphql", content=b"x"),
            await nobody.http.get("/graphql", headers={"accept": "text/html"}),
            await nobody.http.get("/healthz"),
            await nobody.http.get("/nothing"),
            await nobody.http.get("/media/x"),
            await nobody.http.get("/graphql", headers={"host": "evil.example"}),
            await nobody.http.put("/graphql"),
            await nobody.http.post("/uploads"),
            await nobody.http.get("/uploads"),
            await nobody.http.get("/diagnostics"),
            await nobody.http.get("/diagnostics/page.js"),
            *[
                await nobody.http.post("/graphql", json={"query": "{ __typename }"}, headers={"accept": accept})
                for accept in _STREAMS
            ],
        ]
    assert "script-src 'self'" in answers[-4].headers["content-security-policy"]  # the page's own stays
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff", answer
        assert answer.headers["referrer-policy"] in {"no-referrer", "same-origin"}, answer
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], answer
        assert answer.headers["strict-transport-security"] == "max-age=31536000", answer
        assert "server" not in answer.headers


async def test_browsers_are_not_kept_to_https_where_people_come_by_http(site: Site) -> None:
    assert "strict-transport-security" not in (await site.client().http.get("/healthz")).headers


_WRONG: Mapping[str, tuple[str, Any]] = {
    "a field": ("{ viewerr { id } }", {}),
    "an argument": ("{ viewer { dreams(firstt: 1) { nodes { id } } } }", {}),
    "a type": ("query ($a: Strin) { viewer { id } }", {}),
    "an enum's value": ("{ viewer { generations(status: [QUEUE]) { nodes { id } } } }", {}),
    "an enum's value in a variable": (
        "query ($s: [GenerationStatus!]) { viewer { generations(status: $s) { nodes { id } } } }",
        {"s": ["QUEUE"]},
    ),
    "an input's field": ("mutation { logIn(input: {emaill: 1}) { errors { code } } }", {}),
    "an input's field in a variable": (
        "mutation ($i: LogInInput!) { logIn(input: $i) { errors { code } } }",
        {"i": {"email": "a", "password": "b", "emaill": "c"}},
    ),
    "a field of a subscription": ("subscription { viewerEvents { sequenc } }", {}),
    "an argument of a subscription": ("subscription { viewerEvents(sinc: 1) { sequence } }", {}),
    "a variable of a subscription": (
        "subscription ($i: ID!) { generationProgress(id: $i, afterr: 1) { sequence } }",
        {"i": "x"},
    ),
    "a fragment": ("{ ...onVieweer } fragment onViewer on Query { viewer { id } }", {}),
}


async def test_production_suggests_nothing_and_development_does(serve: Serve) -> None:
    async with serve(**_PRODUCTION) as site:
        ada = await site.person()
        async with ada.socket() as socket:
            for what, (query, variables) in _WRONG.items():
                errors = (await ada.post(query, variables))["errors"]
                message = await _first(socket, query, variables=variables)
                payload = message["payload"]
                if message["type"] == "next":
                    await socket.receive()  # that it is complete
                streamed = [await ada.streamed(accept, query, variables=variables) for accept in _STREAMS]
                assert all('"errors":' in one for one in streamed), what
                for told in (errors, payload, streamed):
                    assert "Did you mean" not in json.dumps(told), what
    async with serve() as site:
        ada = await site.person()
        told = [json.dumps(await ada.post(query, variables)) for query, variables in _WRONG.values()]
        assert sum("Did you mean" in one for one in told) >= 5


async def test_introspection_can_be_switched_off_everywhere(serve: Serve) -> None:
    queries = ("{ __schema { types { name } } }", '{ __type(name: "Query") { name } }')
    async with serve(introspection=False) as site:
        ada = await site.person()
        async with ada.socket() as socket:
            for query in queries:
                for error in (await ada.post(query))["errors"]:
                    assert (error["extensions"]["code"], "ntrospection" in error["message"]) == ("BAD_USER_INPUT", True)
                assert (await _first(socket, query))["type"] == "error"
                told = await ada.streamed(SSE, query)
                assert ("ntrospection" in told, '"data"' in told) == (True, False)
        assert "errors" not in await ada.post("{ __typename viewer { __typename } }")
    async with serve() as site:
        for query in queries:
            assert "errors" not in await site.client().post(query)


async def test_trusted_documents_alone_run_on_every_transport(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps({"me": _ME, "progress": _WRONG_ID}), encoding="utf-8")
    hashed = {"persistedQuery": {"version": 1, "sha256Hash": sha256(_ME.encode()).hexdigest()}}
    async with serve(trusted_documents=path, only_trusted_documents=True) as site:
        signed = await site.parts.services.accounts.sign_up("a@example.com", "long enough", "A", _CLIENT)
        ada = site.client(authorization=f"Bearer {signed.access_token}")
        ada.token = signed.access_token
        for body in ({"documentId": "me"}, {"extensions": hashed}, {"query": _ME}):
            assert (await ada.http.post("/graphql", json=body)).json()["data"]["viewer"]["user"]["id"]
            query = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
            assert (await ada.http.get("/graphql", params=query)).json()["data"]["viewer"]["user"]["id"]
        parts = {"operations": json.dumps({"documentId": "me"}), "map": "{}"}
        files = {"0": ("a", b"a", "text/plain")}
        preflight = {"graphql-require-preflight": "1"}
        answer = await ada.http.post("/graphql", data=parts, files=files, headers=preflight)
        assert answer.json()["data"]["viewer"]["user"]["id"]
        async with ada.socket() as socket:
            for payload in ({"documentId": "me"}, {"extensions": hashed}):
                await socket.send({"type": "subscribe", "id": "1", "payload": payload})
                assert (await socket.receive())["payload"]["data"]["viewer"]["user"]["id"]
                assert (await socket.receive())["type"] == "complete"
            refused = await _first(socket, "{ __typename }")
            assert "Only trusted documents" in refused["payload"][0]["message"]
            await socket.send({"type": "subscribe", "id": "2", "payload": {"documentId": "x"}})
            assert (await socket.receive())["payload"][0]["message"] == "PersistedQueryNotFound"
        for accept in _STREAMS:
            for name, told in (("progress", "is not an id of this server"), ("x", "PersistedQueryNotFound")):
                address = f"/graphql?documentId={name}"
                async with ada.http.stream("GET", address, headers={"accept": accept}) as stream:
                    assert told in (await stream.aread()).decode()
            assert "Only trusted documents" in await ada.streamed(accept, "{ __typename }")
        foreign = [
            await ada.http.post("/graphql", json={"query": "{ __typename }"}),
            await ada.http.get("/graphql", params={"query": "{ __typename }"}),
            await ada.http.post(
                "/graphql",
                data={**parts, "operations": json.dumps({"query": "{ __typename }"})},
                files=files,
                headers=preflight,
            ),
        ]
    for answer in foreign:
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]["code"]) == (400, "BAD_USER_INPUT")
        assert "Only trusted documents" in error["message"]
