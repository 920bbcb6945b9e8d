"""What an outside issuer changes for accounts: who is recognised, what is refused, how an account is deleted."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.accounts.erasure import Erasure
from app.accounts.model import Session, User
from app.accounts.outside.arrivals import Arrivals
from app.accounts.outside.fetching import Jwks
from app.accounts.outside.issuer import OutsideIssuer
from app.accounts.outside.keys import IssuerKeys
from app.accounts.outside.tokens import IssuerTokens
from app.accounts.service import Accounts
from app.accounts.sessions import Client
from app.errors import AppError, ErrorCode
from tests.accounts.clock import Clock
from tests.accounts.outside.stand_in import AUDIENCE, ISSUER, StandIn, claims, jwk, rsa, signed, standing_in

_ALGORITHMS = ("RS256",)
PASSWORD = "correct horse"


@pytest.fixture
def issuer() -> Iterator[StandIn]:
    with standing_in(jwk(rsa("a"), "r")) as started:
        yield started


@pytest.fixture
async def beside(accounts: Accounts, issuer: StandIn, clock: Clock) -> AsyncIterator[Accounts]:
    """Accounts here and there."""
    jwks = Jwks(issuer.url, _ALGORITHMS)
    keys = IssuerKeys(jwks.fetch)
    arrivals = Arrivals(ISSUER, accounts.erasures.erased, clock)
    tokens = IssuerTokens(ISSUER, AUDIENCE, keys, _ALGORITHMS, clock=clock)
    task = asyncio.create_task(keys.run())
    yield replace(accounts, outside=OutsideIssuer(jwks, tokens, arrivals, beside=True))
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture
def instead(beside: Accounts) -> Accounts:
    """Accounts there alone."""
    assert beside.outside is not None
    return replace(beside, outside=replace(beside.outside, beside=False))


def _token(clock: Clock, **others: Any) -> str:
    return signed(rsa("a"), claims(clock.now.timestamp(), **others), kid="r", algorithm="RS256")


async def test_both_kinds_of_token_are_recognised_where_both_are_allowed(beside: Accounts, clock: Clock) -> None:
    local = await beside.sign_up("ada@example.com", PASSWORD, "Ada", Client())
    ours, theirs = await beside.recognise(local.access_token), await beside.recognise(_token(clock))
    assert ours.user_id == local.user.identity
    assert ours.session_id is not None
    assert (theirs.session_id, theirs.proven_at) == (None, clock.now)
    assert ours.user_id != theirs.user_id
    assert theirs.expires_at == clock.now + timedelta(seconds=600)


async def test_token_of_ours_asks_no_issuer(beside: Accounts, issuer: StandIn) -> None:
    local = await beside.sign_up("ada@example.com", PASSWORD, "Ada", Client())
    assert await beside.recognise(local.access_token)
    with pytest.raises(AppError, match="is not valid"):
        await beside.recognise("no token")
    assert issuer.asked == 0


async def test_own_accounts_are_closed_where_the_issuer_keeps_them(accounts: Accounts, instead: Accounts) -> None:
    local = await accounts.sign_up("ada@example.com", PASSWORD, "Ada", Client())
    for attempt in (
        instead.sign_up("eve@example.com", PASSWORD, "Eve", Client()),
        instead.log_in("ada@example.com", PASSWORD, Client()),
        instead.refresh(local.refresh_token),
    ):
        with pytest.raises(AppError, match=ISSUER) as caught:
            await attempt
        assert caught.value.code is ErrorCode.FORBIDDEN
    with pytest.raises(AppError, match=ISSUER) as caught:
        await instead.recognise(local.access_token)
    assert caught.value.code is ErrorCode.UNAUTHENTICATED
    assert (await User.count(), await Session.count()) == (1, 1)


async def test_who_sends_no_token_is_told_where_to_get_one(
    accounts: Accounts, beside: Accounts, instead: Accounts
) -> None:
    said = [one.nobody().message for one in (accounts, beside, instead)]
    assert ["`logIn`" in text for text in said] == [True, True, False]
    assert [ISSUER in text for text in said] == [False, True, True]


async def test_log_out_says_where_the_session_is(instead: Accounts, clock: Clock) -> None:
    who = await instead.recognise(_token(clock))
    with pytest.raises(AppError, match=f"kept by {ISSUER}: log out there") as caught:
        await instead.log_out(who.session_id)
    assert caught.value.code is ErrorCode.BAD_USER_INPUT


async def test_account_is_deleted_by_who_has_just_logged_in(instead: Accounts, clock: Clock) -> None:
    token = _token(clock)
    who = await instead.recognise(token)
    await instead.delete(who.user_id, None, Client(), who.proven_at)
    assert (await User.count(), await Erasure.count()) == (0, 1)
    with pytest.raises(AppError, match="does not exist any more"):
        await instead.recognise(token)


@pytest.mark.parametrize("seconds", [301, 86_000])
async def test_account_is_not_deleted_by_a_log_in_of_long_ago(instead: Accounts, clock: Clock, seconds: int) -> None:
    who = await instead.recognise(_token(clock, auth_time=int(clock.now.timestamp()) - seconds))
    with pytest.raises(AppError, match="Nothing was deleted") as caught:
        await instead.delete(who.user_id, "a password", Client(), who.proven_at)
    assert (caught.value.code, caught.value.path) == (ErrorCode.UNAUTHENTICATED, ("input",))
    assert (await User.count(), await Erasure.count()) == (1, 0)


async def test_own_account_is_not_deleted_without_its_password(beside: Accounts, clock: Clock) -> None:
    local = await beside.sign_up("ada@example.com", PASSWORD, "Ada", Client())
    with pytest.raises(AppError) as caught:
        await beside.delete(local.user.identity, None, Client(), clock.now)
    assert (caught.value.code, caught.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "password"))
    assert await User.count() == 1
