"""Scripts with curl: a photo by `curl -F`, and what is answered to those that are wrong."""

import asyncio
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.clients.conftest import PHOTO, Person
from tests.e2e.client import UPLOAD, Client
from tests.e2e.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

_CURL = shutil.which("curl") or "curl"


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, and the body as JSON."""

    status: int
    headers: dict[str, list[str]]
    body: Any

    @property
    def code(self) -> str:
        """Of the one error."""
        (error,) = self.body["errors"]
        assert error["extensions"]["requestId"] == self.headers["x-request-id"][0]
        assert error["message"]
        code: str = error["extensions"]["code"]
        return code


async def curl(url: str, *arguments: str) -> Answer:
    """What curl got."""
    shown = "\n%{http_code}\n%{header_json}"
    process = await asyncio.create_subprocess_exec(
        _CURL, "--silent", "--show-error", "--max-time", "30", "--write-out", shown, *arguments, url,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    body, status, headers = out.decode().split("\n", 2)
    return Answer(int(status), json.loads(headers), json.loads(body))


def _uploads(ada: Person) -> str:
    return ada.url.replace("/graphql", "/uploads")


def _bearer(ada: Person) -> tuple[str, str]:
    return "-H", f"Authorization: Bearer {ada.token}"


async def test_photo_goes_up_by_curl_and_its_id_is_what_an_input_takes(ada: Person) -> None:
    answer = await curl(_uploads(ada), *_bearer(ada), "-F", f"file=@{PHOTO}")
    assert answer.status == 201
    assert answer.body.keys() == {"id", "width", "height", "bytes", "type", "thumbhash", "url"}
    assert answer.body["type"] == "image/jpeg"
    async with httpx2.AsyncClient(base_url=ada.url.removesuffix("/graphql"), timeout=30) as http:
        picture = await http.get(answer.body["url"])
        assert (picture.status_code, len(picture.content)) == (200, answer.body["bytes"])
        client = Client(http, ada.sockets_url, ada.token)
        variables = {"input": {"image": {"id": answer.body["id"]}, "prompt": "Make it shine"}}
        payload = (await client.run(UPLOAD, variables))["uploadOrnament"]
        assert payload["errors"] == []
        node = "query ($id: ID!) { node(id: $id) { ... on Picture { width height bytes type thumbhash } } }"
        shown = {key: answer.body[key] for key in ("width", "height", "bytes", "type", "thumbhash")}
        assert await client.run(node, {"id": answer.body["id"]}) == {"node": shown}


async def test_same_photo_is_stored_once(ada: Person) -> None:
    first, second = [await curl(_uploads(ada), *_bearer(ada), "-F", f"file=@{PHOTO}") for _ in range(2)]
    assert first.body["id"] == second.body["id"]


@pytest.mark.parametrize(
    "headers",
    [("image/jpeg",), ("image/*",), ("application/octet-stream",), ("Image/PNG; q=1", "Transfer-Encoding: chunked")],
)
async def test_photo_as_the_body_is_the_same_as_in_a_form(ada: Person, headers: tuple[str, ...]) -> None:
    media_type, *others = headers
    more = [word for other in others for word in ("-H", other)]
    form = await curl(_uploads(ada), *_bearer(ada), "-F", f"file=@{PHOTO}")
    bare = await curl(
        _uploads(ada), *_bearer(ada), "--data-binary", f"@{PHOTO}", "-H", f"Content-Type: {media_type}", *more
    )
    assert (bare.status, bare.body["id"]) == (201, form.body["id"])


async def test_who_is_not_logged_in_uploads_nothing(ada: Person) -> None:
    for header in ((), ("-H", "Authorization: Bearer forged"), ("-H", f"Cookie: token={ada.token}")):
        answer = await curl(_uploads(ada), *header, "-F", f"file=@{PHOTO}")
        assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")
        assert answer.headers["www-authenticate"] == ["Bearer"]


async def test_what_is_no_picture_is_refused(ada: Person, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("hello, I am a text", encoding="utf-8")
    answer = await curl(_uploads(ada), *_bearer(ada), "-F", f"file=@{text}")
    assert (answer.status, answer.code) == (400, "BAD_USER_INPUT")


async def test_larger_than_20_mb_is_refused(ada: Person, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    for size in (20 * 1024 * 1024 + 1, 26_000_000):
        with large.open("wb") as file:
            file.truncate(size)
        answer = await curl(_uploads(ada), *_bearer(ada), "-F", f"file=@{large}")
        assert (answer.status, answer.code) == (413, "BAD_USER_INPUT")
    bare = ("--data-binary", f"@{large}", "-H", "Content-Type: image/jpeg", "-H", "Expect: 100-continue")
    answer = await curl(_uploads(ada), *_bearer(ada), *bare)
    assert (answer.status, answer.code) == (413, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    "body",
    [
        ("-F", "photo=@{photo}"),
        ("-F", "file=text"),
        ("-F", "file=@{photo}", "-F", "file=@{photo}"),
        ("-F", "file=@{photo}", "-F", "a=1", "-F", "b=2"),
        ("--data-binary", "@{photo}"),
        ("--data-binary", "@{photo}", "-H", "Content-Type: text/plain"),
        ("--data-binary", "", "-H", "Content-Type: image/jpeg"),
        ("--data-binary", "no picture", "-H", "Content-Type: image/jpeg"),
        ("-X", "POST"),
        ("-H", "Content-Type: multipart/form-data", "-d", "no boundary"),
    ],
)
async def test_another_body_is_told_what_to_send(ada: Person, body: tuple[str, ...]) -> None:
    arguments = [argument.format(photo=PHOTO) for argument in body]
    answer = await curl(_uploads(ada), *_bearer(ada), *arguments)
    assert (answer.status, answer.code) == (400, "BAD_USER_INPUT")


async def test_stream_is_readable_by_curl(ada: Person) -> None:
    """As somebody looks at what happens: `curl -N -H 'Accept: text/event-stream'`."""
    query = 'subscription { generationProgress(id: "%s", after: %d) { type } }' % (ada.ended, ada.events - 1)  # noqa: UP031 - braces
    arguments = ("-sN", *_bearer(ada), "-H", "Accept: text/event-stream", "-G", "--data-urlencode", f"query={query}")
    process = await asyncio.create_subprocess_exec(_CURL, *arguments, ada.url, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    text = re.sub(r',"extensions":\{"cost":\{"requested":2,[^}]*\}\}', "", out.decode())
    event = 'event: next\ndata: {"data":{"generationProgress":{"type":"SUCCEEDED"}}}\n\n'
    assert text == f": ping\n\n{event}event: complete\ndata:\n\n"


async def test_stream_ends_at_the_server_when_its_reader_is_killed(ada: Person, server: Server) -> None:
    """The line of a request is logged at its end."""
    request_id, query = "killed-reader", "query=subscription { viewerEvents { type } }"
    arguments = ("-sN", *_bearer(ada), "-H", f"X-Request-Id: {request_id}", "-H", "Accept: text/event-stream", "-G")
    process = await asyncio.create_subprocess_exec(
        _CURL, *arguments, "--data-urlencode", query, ada.url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b": ping\n"
    assert not any(request_id in line for line in server.log)
    process.kill()
    await process.wait()
    async with asyncio.timeout(30):
        while not any(request_id in line for line in server.log):  # noqa: ASYNC110 - a thread reads them
            await asyncio.sleep(0.02)
