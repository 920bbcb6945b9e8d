"""Deleting one's account, through the schema."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.accounts.model import User
from app.api.ids import global_id
from tests.api.shop import PASSWORD, Shop, opened_shop

_DELETE = """mutation ($input: DeleteAccountInput!) { deleteAccount(input: $input) {
  deletedId errors { code path retryable retryAfterSeconds } } }"""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


async def _delete(shop: Shop, password: str = PASSWORD) -> Any:
    return (await shop.run(_DELETE, {"input": {"password": password}}))["deleteAccount"]


async def test_account_is_gone_with_the_answer(shop: Shop) -> None:
    assert await _delete(shop) == {"deletedId": global_id("User", shop.owner_id), "errors": []}
    assert await User.count() == 0
    assert await shop.answer("{ viewer { user { id } } }") == ({"viewer": None}, [("UNAUTHENTICATED", None)])


async def test_wrong_password_names_the_argument_and_deletes_nothing(shop: Shop) -> None:
    payload = await _delete(shop, "a wrong guess")
    error = {"code": "UNAUTHENTICATED", "path": ["input", "password"], "retryable": False, "retryAfterSeconds": None}
    assert payload == {"deletedId": None, "errors": [error]}
    assert await User.count() == 1


async def test_guessing_is_limited(shop: Shop) -> None:
    for number in range(10):
        await _delete(shop, f"guess {number}")
    (error,) = (await _delete(shop))["errors"]
    assert (error["code"], error["path"], error["retryable"]) == ("RATE_LIMITED", ["input"], True)
    assert await User.count() == 1


async def test_nobody_deletes_without_a_token(shop: Shop) -> None:
    nobody = Shop(shop.services)
    _, errors = await nobody.answer(_DELETE, {"input": {"password": PASSWORD}})
    assert errors == [("UNAUTHENTICATED", None)]
