import asyncio
from dataclasses import replace

import pytest
from beanie import PydanticObjectId

from app.accounts.erasure import Erasure
from app.accounts.model import Session, User
from app.accounts.passwords import HashingCost, PasswordHasher
from app.accounts.service import Accounts, SignedIn
from app.accounts.sessions import Client
from app.errors import AppError, ErrorCode
from tests.accounts.clock import Clock
from tests.accounts.conftest import RecordedDoor

BROWSER = Client(address="203.0.113.7", user_agent="Browser/1.0")
PASSWORD = "correct horse"


async def _ada(accounts: Accounts) -> SignedIn:
    return await accounts.sign_up("Ada@Example.com", PASSWORD, "Ada", BROWSER)


async def test_sign_up_stores_the_user_and_no_secret(accounts: Accounts, clock: Clock) -> None:
    signed = await _ada(accounts)
    stored = await User.rows().find_one({"_id": signed.user.identity})
    assert stored is not None
    assert {**stored, "passwordHash": stored["passwordHash"][:9]} == {
        "_id": signed.user.identity,
        "schemaVersion": 1,
        "email": "Ada@Example.com",
        "emailKey": "ada@example.com",
        "name": "Ada",
        "passwordHash": "$argon2id",
        "createdAt": clock.now.replace(tzinfo=None),
        "isAdmin": False,
    }
    session = str(await Session.rows().find_one({"userId": signed.user.identity}))
    assert signed.refresh_token.split(".")[1] not in session
    assert "Browser/1.0" in session
    assert PASSWORD not in repr(signed) + session + str(stored)
    assert signed.access_token not in repr(signed)
    assert signed.refresh_token not in repr(signed)


async def test_address_that_has_an_account_is_a_conflict(accounts: Accounts) -> None:
    await _ada(accounts)
    with pytest.raises(AppError) as caught:
        await accounts.sign_up("ADA@example.COM", PASSWORD, "Ada", BROWSER)
    assert (caught.value.code, caught.value.path) == (ErrorCode.CONFLICT, ("input", "email"))


async def test_of_many_who_sign_up_with_one_address_at_once_one_gets_it(accounts: Accounts) -> None:
    answers = await asyncio.gather(*(_ada(accounts) for _ in range(8)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, AppError)]
    assert [error.code for error in refused] == [ErrorCode.CONFLICT] * 7
    assert await User.count() == await Session.count() == 1


async def test_malformed_sign_up_stores_nothing(accounts: Accounts) -> None:
    for email, password, name in [("ada", PASSWORD, "A"), ("a@b.com", "short", "A"), ("a@b.com", PASSWORD, " ")]:
        with pytest.raises(AppError) as caught:
            await accounts.sign_up(email, password, name, BROWSER)
        assert caught.value.code is ErrorCode.BAD_USER_INPUT
    assert await User.count() == 0


async def test_log_in_finds_the_account_however_the_address_is_written(accounts: Accounts) -> None:
    signed = await _ada(accounts)
    again = await accounts.log_in(" aDa@eXample.com", PASSWORD, BROWSER)
    assert again.user.identity == signed.user.identity
    assert accounts.viewer(again.access_token).session_id != accounts.viewer(signed.access_token).session_id


async def test_wrong_password_and_unknown_address_are_told_alike(accounts: Accounts) -> None:
    await _ada(accounts)
    refusals: list[tuple[ErrorCode, str, object]] = []
    for email in ("ada@example.com", "nobody@example.com"):
        with pytest.raises(AppError) as caught:
            await accounts.log_in(email, "a wrong guess", BROWSER)
        refusals.append((caught.value.code, caught.value.message, caught.value.path))
    assert refusals[0] == refusals[1]
    assert refusals[0][0] is ErrorCode.UNAUTHENTICATED


async def test_guessing_is_limited_also_for_unknown_accounts_and_then_refuses_the_right_password(
    accounts: Accounts,
) -> None:
    await _ada(accounts)
    for email in ("ada@example.com", "nobody@example.com"):
        guesses = (accounts.log_in(email, f"guess {number}", Client()) for number in range(3))
        await asyncio.gather(*guesses, return_exceptions=True)
        with pytest.raises(AppError, match="Try again in 15 minutes") as caught:
            await accounts.log_in(email, PASSWORD, Client())
        assert caught.value.code is ErrorCode.RATE_LIMITED


async def test_successful_log_ins_are_not_limited(accounts: Accounts) -> None:
    await _ada(accounts)
    for _ in range(5):
        await accounts.log_in("ada@example.com", PASSWORD, BROWSER)


async def test_log_in_renews_a_hash_of_an_old_cost(accounts: Accounts) -> None:
    await _ada(accounts)
    dearer = replace(accounts, passwords=PasswordHasher(HashingCost(passes=2, memory_kib=64, lanes=1)))
    signed = await dearer.log_in("ada@example.com", PASSWORD, BROWSER)
    assert "t=2" in str((await accounts.user(signed.user.identity)).password_hash)
    assert await dearer.log_in("ada@example.com", PASSWORD, BROWSER)


async def test_viewer_is_who_the_access_token_was_issued_to(accounts: Accounts) -> None:
    signed = await _ada(accounts)
    viewer = accounts.viewer(signed.access_token)
    assert (viewer.user_id, viewer.expires_at) == (signed.user.identity, signed.access_expires_at)


async def test_user_that_was_erased_is_told_to_log_in_again(accounts: Accounts) -> None:
    with pytest.raises(AppError, match=r"does not exist any more\. Log in again") as caught:
        await accounts.user(PydanticObjectId())
    assert caught.value.code is ErrorCode.UNAUTHENTICATED


async def test_deleted_account_is_like_one_that_never_was(accounts: Accounts) -> None:
    signed = await _ada(accounts)
    await accounts.delete(signed.user.identity, PASSWORD, BROWSER)
    with pytest.raises(AppError, match="The e-mail address or the password is wrong") as caught:
        await accounts.log_in("ada@example.com", PASSWORD, BROWSER)
    assert caught.value.code is ErrorCode.UNAUTHENTICATED
    for use in (accounts.refresh(signed.refresh_token), accounts.delete(signed.user.identity, PASSWORD, BROWSER)):
        with pytest.raises(AppError, match="does not exist any more") as caught:
            await use
        assert (caught.value.code, caught.value.path) == (ErrorCode.UNAUTHENTICATED, None)
    again = await _ada(accounts)
    assert again.user.identity != signed.user.identity
    assert accounts.viewer(again.access_token).user_id == again.user.identity


async def test_account_is_not_deleted_with_a_wrong_password(accounts: Accounts, door: RecordedDoor) -> None:
    signed = await _ada(accounts)
    with pytest.raises(AppError, match="The password is wrong") as caught:
        await accounts.delete(signed.user.identity, "a wrong guess", BROWSER)
    assert (caught.value.code, caught.value.path) == (ErrorCode.UNAUTHENTICATED, ("input", "password"))
    assert (await Erasure.count(), door.closed) == (0, set())
    assert accounts.viewer(signed.access_token)


async def test_guesses_at_deleting_are_limited_together_with_those_at_logging_in(accounts: Accounts) -> None:
    signed = await _ada(accounts)
    guesses = [accounts.delete(signed.user.identity, f"guess {number}", Client()) for number in range(2)]
    await asyncio.gather(*guesses, accounts.log_in("ada@example.com", "guess 3", Client()), return_exceptions=True)
    for right in (
        accounts.delete(signed.user.identity, PASSWORD, Client()),
        accounts.log_in("ada@example.com", PASSWORD, Client()),
    ):
        with pytest.raises(AppError) as caught:
            await right
        assert caught.value.code is ErrorCode.RATE_LIMITED
    assert await User.count() == 1
