import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from beanie import PydanticObjectId

from app.accounts.ended import Ended
from app.accounts.model import Session, SessionEnd
from app.accounts.refresh_tokens import RefreshTokens
from app.accounts.service import Accounts, SignedIn
from app.accounts.sessions import Client
from app.errors import AppError, ErrorCode
from tests.accounts.clock import Clock


@pytest.fixture
async def signed(accounts: Accounts) -> SignedIn:
    return await accounts.sign_up("ada@example.com", "correct horse", "Ada", Client())


async def _refused(accounts: Accounts, refresh_token: str) -> str:
    with pytest.raises(AppError) as caught:
        await accounts.refresh(refresh_token)
    assert caught.value.code is ErrorCode.UNAUTHENTICATED
    assert caught.value.message.endswith("Log in again.")
    return caught.value.message


async def _session(signed: SignedIn) -> Session:
    session = await Session.get(PydanticObjectId(signed.refresh_token.split(".")[0]))
    assert session is not None
    return session


async def test_refresh_gives_new_tokens_of_the_same_session(accounts: Accounts, clock: Clock, signed: SignedIn) -> None:
    clock.advance(minutes=14)
    fresh = await accounts.refresh(signed.refresh_token)
    clock.advance(minutes=14)
    viewer = accounts.viewer(fresh.access_token)
    assert viewer.session_id == PydanticObjectId(signed.refresh_token.split(".")[0])
    assert (viewer.user_id, fresh.user.name) == (signed.user.identity, "Ada")
    assert fresh.refresh_token != signed.refresh_token
    assert await accounts.refresh(fresh.refresh_token)


async def test_two_refreshes_at_once_both_work(accounts: Accounts, clock: Clock, signed: SignedIn) -> None:
    tabs = await asyncio.gather(*(accounts.refresh(signed.refresh_token) for _ in range(8)))
    assert len({tab.refresh_token for tab in tabs}) == 1, "one chain, no fork"
    assert all(accounts.viewer(tab.access_token).user_id == signed.user.identity for tab in tabs)
    clock.advance(minutes=1)
    assert await accounts.refresh(tabs[-1].refresh_token)


async def test_refresh_whose_answer_was_lost_can_be_repeated_for_10_seconds(
    accounts: Accounts, clock: Clock, signed: SignedIn
) -> None:
    lost = await accounts.refresh(signed.refresh_token)
    clock.advance(seconds=10)
    repeated = await accounts.refresh(signed.refresh_token)
    assert (repeated.refresh_token, repeated.refresh_expires_at) == (lost.refresh_token, lost.refresh_expires_at)


async def test_repeating_does_not_prolong_the_grace(accounts: Accounts, clock: Clock, signed: SignedIn) -> None:
    for _ in range(3):
        await accounts.refresh(signed.refresh_token)
        clock.advance(seconds=5)
    await _refused(accounts, signed.refresh_token)


async def test_stolen_refresh_token_ends_the_family(accounts: Accounts, clock: Clock, signed: SignedIn) -> None:
    thief = await accounts.refresh(signed.refresh_token)
    clock.advance(seconds=11)
    assert "used again" in await _refused(accounts, signed.refresh_token), "the owner comes with the same token"
    assert "used again" in await _refused(accounts, thief.refresh_token)
    session = await _session(signed)
    assert (session.end, session.revoked_at) == (SessionEnd.REUSED, clock.now)


async def test_thief_within_the_grace_is_found_out_at_the_next_refresh(
    accounts: Accounts, clock: Clock, signed: SignedIn
) -> None:
    owner, thief = await asyncio.gather(*(accounts.refresh(signed.refresh_token) for _ in range(2)))
    clock.advance(minutes=14)
    newest = await accounts.refresh(thief.refresh_token)
    clock.advance(minutes=1)
    assert "used again" in await _refused(accounts, owner.refresh_token)
    assert "used again" in await _refused(accounts, newest.refresh_token)


async def test_token_before_the_previous_one_ends_the_family_also_within_the_grace(
    accounts: Accounts, signed: SignedIn
) -> None:
    newest = await accounts.refresh((await accounts.refresh(signed.refresh_token)).refresh_token)
    await _refused(accounts, signed.refresh_token)
    assert "used again" in await _refused(accounts, newest.refresh_token)


async def test_made_up_token_ends_no_session(accounts: Accounts, signed: SignedIn) -> None:
    session = await _session(signed)
    forged = RefreshTokens(b"a key that the server does not have").first(session.identity)
    assert "not valid" in await _refused(accounts, forged.text)
    assert await accounts.refresh(signed.refresh_token)


async def test_end_of_one_family_leaves_the_users_other_sessions(
    accounts: Accounts, clock: Clock, signed: SignedIn
) -> None:
    phone = await accounts.log_in("ada@example.com", "correct horse", Client())
    await accounts.refresh(signed.refresh_token)
    clock.advance(minutes=1)
    await _refused(accounts, signed.refresh_token)
    assert await accounts.refresh(phone.refresh_token)


async def test_log_out_ends_the_session_and_can_be_repeated(accounts: Accounts, clock: Clock, signed: SignedIn) -> None:
    session_id = accounts.viewer(signed.access_token).session_id
    await accounts.log_out(session_id)
    first = clock.now
    clock.advance(minutes=1)
    await accounts.log_out(session_id)
    await accounts.log_out_with(signed.refresh_token)
    assert "logged out" in await _refused(accounts, signed.refresh_token)
    session = await _session(signed)
    assert (session.end, session.revoked_at) == (SessionEnd.LOGGED_OUT, first)


def _session_id(accounts: Accounts, signed: SignedIn) -> PydanticObjectId:
    session_id = accounts.viewer(signed.access_token).session_id
    assert session_id is not None
    return session_id


@pytest.mark.parametrize("end", ["logged out", "stolen"])
async def test_access_token_ends_with_its_session_here_at_once_and_elsewhere_as_soon_as_it_is_learned(
    accounts: Accounts, clock: Clock, signed: SignedIn, end: str
) -> None:
    there = replace(accounts, sessions=replace(accounts.sessions, ended=Ended()))
    session_id, closed = _session_id(there, signed), list[str]()
    there.sessions.ended.opened(session_id, lambda: closed.append("socket"))
    if end == "logged out":
        await accounts.log_out(session_id)
    else:
        await accounts.refresh(signed.refresh_token)
        clock.advance(seconds=11)
        await _refused(accounts, signed.refresh_token)
    with pytest.raises(AppError, match="This session was ended"):
        accounts.viewer(signed.access_token)
    assert (there.viewer(signed.access_token).session_id, closed) == (session_id, [])
    await there.sessions.learn()
    with pytest.raises(AppError, match="This session was ended"):
        there.viewer(signed.access_token)
    assert closed == ["socket"]


async def test_what_ended_long_ago_is_forgotten_and_its_token_has_run_out(
    accounts: Accounts, clock: Clock, signed: SignedIn
) -> None:
    session_id = _session_id(accounts, signed)
    await accounts.log_out(session_id)
    clock.advance(minutes=31)
    await accounts.sessions.learn()
    assert session_id not in accounts.sessions.ended
    with pytest.raises(AppError, match="has expired"):
        accounts.viewer(signed.access_token)


async def test_log_out_with_what_was_never_a_token_does_nothing(accounts: Accounts, signed: SignedIn) -> None:
    await accounts.log_out_with("never a token")
    await accounts.log_out(PydanticObjectId())
    assert await accounts.refresh(signed.refresh_token)


async def test_log_out_wins_over_refreshes_at_once(accounts: Accounts, signed: SignedIn) -> None:
    session_id = accounts.viewer(signed.access_token).session_id
    answers = await asyncio.gather(
        *(accounts.refresh(signed.refresh_token) for _ in range(4)),
        accounts.log_out(session_id),
        *(accounts.refresh(signed.refresh_token) for _ in range(4)),
        return_exceptions=True,
    )
    tokens = {answer.refresh_token for answer in answers if isinstance(answer, SignedIn)}
    for token in tokens | {signed.refresh_token}:
        assert "logged out" in await _refused(accounts, token)


async def test_each_refresh_prolongs_the_session(accounts: Accounts, clock: Clock, signed: SignedIn) -> None:
    assert signed.refresh_expires_at == clock.now + timedelta(days=30)
    clock.advance(days=29)
    fresh = await accounts.refresh(signed.refresh_token)
    assert fresh.refresh_expires_at == clock.now + timedelta(days=30)
    clock.advance(days=30)
    assert "has expired" in await _refused(accounts, fresh.refresh_token)


async def test_session_ends_after_180_days_however_often_it_is_refreshed(
    accounts: Accounts, clock: Clock, signed: SignedIn
) -> None:
    began = clock.now
    for _ in range(8):
        clock.advance(days=20)
        signed = await accounts.refresh(signed.refresh_token)
    assert signed.refresh_expires_at == began + timedelta(days=180)
    clock.advance(days=20)
    assert "has expired" in await _refused(accounts, signed.refresh_token)


async def test_delete_expired_leaves_living_and_lately_revoked_sessions(
    accounts: Accounts, clock: Clock, signed: SignedIn
) -> None:
    clock.advance(days=1)
    phone = await accounts.log_in("ada@example.com", "correct horse", Client())
    tablet = await accounts.log_in("ada@example.com", "correct horse", Client())
    await accounts.log_out_with(tablet.refresh_token)
    clock.advance(days=29, seconds=1)
    assert await Session.delete_expired(clock.now) == 1
    assert "has expired" in await _refused(accounts, signed.refresh_token)
    assert "logged out" in await _refused(accounts, tablet.refresh_token)
    assert await accounts.refresh(phone.refresh_token)
