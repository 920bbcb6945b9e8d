"""What a hostile client sends costs it more than it costs the server, and tells it nothing."""

import asyncio
import io
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image, ImageDraw

from tests.e2e.client import Client
from tests.e2e.server import Server, running

_MAX_STANDSTILL_S = 3.0
"""Over ten times what any of these takes; unguarded they took 5 to 10 s."""

_EXPENSIVE = {
    "directives": "{__typename " + "@skip(if:false) " * 40_000 + "}",
    "arguments": "mutation{signUp(input:{" + " ".join(f'email:"{n}"' for n in range(30_000)) + "}){errors{code}}}",
    "list": "{node(id:[" + "1 " * 200_000 + "]){id}}",
    "fragments": "{__typename} " + " ".join(f"fragment f{n} on Query{{__typename}}" for n in range(15_000)),
    "operations": " ".join(f"query q{n}{{__typename}}" for n in range(20_000)),
    "nesting": "{viewer" * 5_000 + "{user{id}}" + "}" * 5_000,
    "chain": "{...f0} " + " ".join(f"fragment f{n} on Query{{...f{n + 1}}}" for n in range(240)),
    "introspection": "{" + " ".join(f"a{n}: __schema{{types{{fields{{type{{name}}}}}}}}" for n in range(300)) + "}",
}


async def _standstill_s(server: Server, attack: Any) -> float:
    """The longest that a small request waited while the attack ran."""
    async with httpx2.AsyncClient(base_url=server.url, timeout=60) as http:
        running_attack = asyncio.ensure_future(attack)
        longest = 0.0
        while not running_attack.done():
            started = time.perf_counter()
            await http.get("/healthz")
            longest = max(longest, time.perf_counter() - started)
        await running_attack
    return longest


@pytest.mark.parametrize("name", sorted(_EXPENSIVE))
async def test_expensive_text_is_refused_without_a_standstill(server: Server, stranger: Client, name: str) -> None:
    async def attack() -> None:
        answer = await stranger.post(_EXPENSIVE[name])
        assert {"BAD_USER_INPUT", "QUERY_TOO_COMPLEX"} >= {error["extensions"]["code"] for error in answer["errors"]}

    assert await _standstill_s(server, attack()) < _MAX_STANDSTILL_S


@pytest.mark.parametrize("field", ["name", "password", "email"])
async def test_text_that_is_slow_to_normalize_is_refused_at_once(server: Server, stranger: Client, field: str) -> None:
    slow = "a" + "\u0300" * 15_000 + "\u0327" * 15_000
    person = {"email": "a@example.com", "password": "long enough", "name": "A", field: slow}
    mutation = "mutation ($input: SignUpInput!) { signUp(input: $input) { errors { code path } } }"

    async def attack() -> None:
        payload = (await stranger.run(mutation, {"input": person}))["signUp"]
        assert payload["errors"] == [{"code": "BAD_USER_INPUT", "path": ["input", field]}]

    assert await _standstill_s(server, attack()) < _MAX_STANDSTILL_S


async def test_too_many_values_in_the_variables_are_refused(ada: Client) -> None:
    query = "query ($s: [GenerationStatus!]) { viewer { generations(status: $s) { nodes { id } } } }"
    (error,) = (await ada.post(query, {"s": ["QUEUED"] * 6_000}))["errors"]
    assert "too many values" in error["message"]


async def test_lists_in_lists_count_by_their_size(ada: Client) -> None:
    inside = "id"
    for _ in range(4):
        inside = f"children(first: 100) {{ nodes {{ {inside} }} }}"
    answer = await ada.post(f"{{ viewer {{ ornamentImages(first: 100) {{ nodes {{ {inside} }} }} }} }}")
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["QUERY_TOO_COMPLEX"]


async def test_lists_count_by_the_values_of_their_variables(ada: Client) -> None:
    query = """query ($n: Int = 10, $c: Int = 5) { viewer { ornamentImages(first: $n) { nodes { id
      children(first: $c) { nodes { id newPrompt children(first: $c) { nodes { id } } } } } } } }"""
    await ada.run(query)
    await ada.run(query, {"n": 100, "c": 5})
    for variables in ({"n": 100, "c": 100}, {"n": 100, "c": None}, {"n": 100.0, "c": 20.0}):
        (error,) = (await ada.post(query, variables))["errors"]
        assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"


async def test_subscription_over_plain_http_is_told_where_to_go(ada: Client) -> None:
    (error,) = (await ada.post('subscription { generationProgress(id: "x") { sequence } }'))["errors"]
    assert "WebSocket" in error["message"]


async def test_one_file_may_stand_in_two_places(ada: Client, car: bytes) -> None:
    upload = "uploadOrnament(input: { image: { upload: $f } }) { generation { id } errors { code } }"
    query = f"mutation ($f: Upload!) {{ a: {upload} b: {upload} }}"
    answer = await ada.post_file(query, {"f": None}, "f", ("car.jpg", car, "image/jpeg"))
    assert [answer["data"][name]["errors"] for name in "ab"] == [[], []]
    for name in "ab":
        await ada.finished(answer["data"][name])


@pytest.mark.parametrize("body", [b"", b"--x\r\nbroken", b"--x--"])
async def test_broken_multipart_is_answered_in_json(ada: Client, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x", "graphql-require-preflight": "true"}
    response = await ada.http.post("/graphql", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_operation_that_is_not_there_is_the_callers_error_on_a_socket_too(ada: Client) -> None:
    async with ada.socket() as socket:
        for number, payload in enumerate(
            (
                {"query": "query a { __typename }", "operationName": "b"},
                {"query": "query a { __typename } query b { __typename }"},
                {"query": "fragment f on Query { __typename }"},
            )
        ):
            await socket.send({"type": "subscribe", "id": str(number), "payload": payload})
            message = await socket.receive()
            assert (message["type"], message["id"]) == ("error", str(number))
            assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_one_of_several_operations_must_be_named(stranger: Client) -> None:
    several = 'query a { __typename } query b { node(id: "x") { id } }'
    (error,) = (await stranger.post(several))["errors"]
    assert "several operations" in error["message"]
    named = await stranger.http.post("/graphql", json={"query": several, "operationName": "a"})
    assert named.json()["data"] == {"__typename": "Query"}


@pytest.mark.long
async def test_many_requests_for_one_rendition_make_it_once(ada: Client, server: Server) -> None:
    buffer = io.BytesIO()
    photo = Image.new("RGB", (5_000, 5_000), (230, 230, 230))
    ImageDraw.Draw(photo).ellipse((1_500, 1_500, 3_500, 3_500), (160, 20, 20))
    photo.save(buffer, "PNG")
    mutation = """mutation ($input: UploadOrnamentInput!) { uploadOrnament(input: $input) {
      generation { id } errors { code message } } }"""
    await ada.post_file(
        mutation,
        {"input": {"image": {"upload": None}}},
        "input.image.upload",
        ("a.png", buffer.getvalue(), "image/png"),
    )
    url = (await _uploaded(ada))["url"]
    before = _memory_kb(server)
    responses = await asyncio.gather(*(ada.http.get(url) for _ in range(12)))
    assert {response.status_code for response in responses} == {200}
    assert _memory_kb(server) - before < 600_000


async def _uploaded(ada: Client) -> Any:
    """The photo of the newest image, once it is there."""
    query = (
        "{ viewer { generations { nodes { id } } ornamentImages { nodes { uploadedPicture { url(width: 2000) } } } } }"
    )
    generation = (await ada.run(query))["viewer"]["generations"]["nodes"][0]
    await ada.follow(generation["id"])
    (image,) = (await ada.run(query))["viewer"]["ornamentImages"]["nodes"]
    return image["uploadedPicture"]


def _memory_kb(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


async def test_secrets_in_a_wrong_operation_do_not_reach_the_log(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        async with httpx2.AsyncClient(base_url=server.url) as http:
            for query in (
                'mutation { logIn(input: { email: "a@example.com", password: "hunter2-secret" }) { bogus } }',
                'mutation { logIn(input: { email: "a@example.com", password: "hunter2-secret" ',
                "mutation ($input: LogInInput!) { logIn(input: $input) { errors { code } } }",
            ):
                variables = {"input": {"email": "a@example.com", "password": ["hunter2-secret"]}}
                await http.post("/graphql", json={"query": query, "variables": variables})
        server.stop()
        assert "hunter2" not in "".join(server.log)
        assert "Traceback" not in "".join(server.log)


async def test_page_of_an_allowed_origin_may_upload_with_apollo(tmp_path: Path) -> None:
    with running(tmp_path, {"ALLOWED_ORIGINS": "https://app.example.com/"}) as server:
        headers = {
            "origin": "https://app.example.com",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,apollo-require-preflight,apollographql-client-name",
        }
        async with httpx2.AsyncClient(base_url=server.url) as http:
            allowed = await http.options("/graphql", headers=headers)
            foreign = await http.options("/graphql", headers={**headers, "origin": "https://evil.example"})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-origin" not in foreign.headers
