"""The plain way in for a photo, where what it needs fails; `tests/clients/test_curl.py` has the rest."""

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

    async def accept(self, _owner_id: PydanticObjectId, _data: bytes) -> None:
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
