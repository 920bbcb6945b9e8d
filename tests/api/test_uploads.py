"""The plain way in for a photo, where what it needs fails; `tests/clients/test_curl.py` has the rest."""

import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError
from structlog.testing import capture_logs

from app.accounts.tokens import TokenSigner
from app.bootstrap.parts import Parts
from app.errors import AppError, ErrorCode
from app.main import build
from app.pictures.model import Picture
from app.pictures.pool import PicturePool
from app.pictures.upload import Upload
from tests.api.shop import opened_parts

_SECRET = "s" * 40


@pytest.fixture
async def parts(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    more = {"jwt_secret": _SECRET, "allowed_hosts": ("regen.test",)}
    async with opened_parts(database, mongodb_url, tmp_path, **more) as opened:
        yield opened


@dataclass(frozen=True)
class _Failing:
    """Pictures that can't be kept now."""

    failure: Exception

    async def accept(self, _owner_id: PydanticObjectId, _upload: Upload) -> None:
        raise self.failure


async def _ping() -> bool:
    return True


async def _uploaded(parts: Parts, failure: Exception) -> httpx2.Response:
    pictures: Any = _Failing(failure)
    application = build(replace(parts, services=replace(parts.services, pictures=pictures)), _ping)
    token, _ = TokenSigner(_SECRET.encode()).issue(PydanticObjectId(), PydanticObjectId())
    transport = httpx2.ASGITransport(application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://regen.test") as http:
        files = {"file": ("a.jpg", b"a", "image/jpeg")}
        return await http.post("/uploads", files=files, headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("failure", "status", "code", "retryable"),
    [
        (AppError(ErrorCode.UNAVAILABLE, "Later.", retryable=True), 503, "UNAVAILABLE", True),
        (AppError(ErrorCode.BAD_USER_INPUT, "No."), 400, "BAD_USER_INPUT", False),
        (ServerSelectionTimeoutError("the host of the database"), 503, "UNAVAILABLE", True),
        (OperationFailure("the query"), 500, "INTERNAL", False),
    ],
)
async def test_failure_is_json_with_a_code_and_gives_nothing_away(
    parts: Parts, failure: Exception, status: int, code: str, *, retryable: bool
) -> None:
    with capture_logs():
        answer = await _uploaded(parts, failure)
    (error,) = answer.json()["errors"]
    assert answer.status_code == status
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == (code, retryable)
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert "the host" not in answer.text
    assert "the query" not in answer.text


_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()
_LARGE = b"0" * 1_500_000
"""More than is kept in memory."""


@dataclass(frozen=True)
class _Answer:
    status: int
    body: Any


async def _sent(parts: Parts, *messages: Any, media_type: str = "image/jpeg", token: str | None = None) -> _Answer:
    """The answer to a body that comes in these messages."""
    if token is None:
        token, _ = TokenSigner(_SECRET.encode()).issue(PydanticObjectId(), PydanticObjectId())
    headers = {"host": "regen.test", "content-type": media_type, "authorization": f"Bearer {token}"}
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/uploads",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()], "client": ("127.0.0.1", 1),
        "server": ("regen.test", 80), "root_path": "", "raw_path": b"/uploads", "query_string": b"",
    }  # fmt: skip
    coming, answer = iter(messages), list[Any]()

    async def receive() -> Any:
        return next(coming)

    async def send(message: Any) -> None:
        answer.append(message)

    await build(parts, _ping)(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in answer)
    return _Answer(answer[0]["status"], json.loads(body) if body else None)


def _piece(data: bytes, *, more: bool = True) -> Any:
    return {"type": "http.request", "body": data, "more_body": more}


def _unnamed_files() -> set[str]:
    """Open files of this process that no folder has."""
    return {place for fd in Path("/proc/self/fd").iterdir() if "(deleted)" in (place := _place(fd))}


def _place(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:
        return ""


async def test_body_in_pieces_is_one_picture(parts: Parts) -> None:
    pieces = [_CAR[start : start + 10_000] for start in range(0, len(_CAR), 10_000)]
    answer = await _sent(parts, *map(_piece, pieces), _piece(b"", more=False))
    assert (answer.status, answer.body["width"], answer.body["type"]) == (201, 480, "image/jpeg")


@pytest.mark.parametrize(
    ("last", "status"),
    [
        ({"type": "http.disconnect"}, 400),
        (_piece(b"", more=False), 400),  # no picture
        (_piece(b"0" * 21_000_000), 413),
    ],
)
async def test_nothing_is_left_of_a_body_that_is_cut_off_or_refused(parts: Parts, last: Any, status: int) -> None:
    before = _unnamed_files()
    with capture_logs():
        answer = await _sent(parts, _piece(_LARGE), _piece(_LARGE), last)
    assert answer.status == status
    assert _unnamed_files() == before
    assert await Picture.count() == 0


async def test_nothing_of_a_body_is_read_without_a_token(parts: Parts) -> None:
    answer = await _sent(parts, token="forged")  # there is no message to read
    assert (answer.status, answer.body["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


async def test_full_disk_is_said_and_leaves_nothing(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _unnamed_files()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no folder"))
    answer = await _sent(parts, _piece(_LARGE), _piece(_LARGE, more=False))
    assert (answer.status, answer.body["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
    assert "disk is full" in answer.body["errors"][0]["message"]
    assert _unnamed_files() == before


async def test_who_finds_too_many_waiting_is_told_when_to_come_back(parts: Parts) -> None:
    none_waits = PicturePool(1, waiting=0)
    pictures = replace(parts.services.pictures, pool=none_waits)
    crowded = replace(parts, services=replace(parts.services, pictures=pictures))
    async with none_waits.turn():
        answer = await _sent(crowded, _piece(_CAR, more=False))
    (error,) = answer.body["errors"]
    assert (answer.status, error["extensions"]["code"], error["extensions"]["retryable"]) == (503, "UNAVAILABLE", True)
    assert error["extensions"]["retryAfterSeconds"] == 5
    assert await Picture.count() == 0
    assert (await _sent(crowded, _piece(_CAR, more=False))).status == 201
