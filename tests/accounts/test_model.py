from datetime import timedelta

import pytest

from app.accounts.model import Session, SessionEnd, User
from app.accounts.service import Accounts, SignedIn
from app.accounts.sessions import Client
from tests.accounts.clock import Clock


@pytest.fixture
async def signed(accounts: Accounts) -> SignedIn:
    return await accounts.sign_up("ada@example.com", "correct horse", "Ada", Client())


@pytest.fixture
async def read_early(signed: SignedIn) -> Session:
    """The session as somebody read it before what the test does."""
    session = await Session.find_one({"userId": signed.user.identity})
    assert session is not None
    return session


async def test_rotation_of_a_session_that_was_rotated_meanwhile_changes_nothing(
    read_early: Session, clock: Clock
) -> None:
    until = clock.now + timedelta(days=1)
    rotated = await read_early.rotate("second", clock.now, until)
    assert rotated is not None
    assert await rotated.rotate("third", clock.now, until)
    assert await read_early.rotate("second", clock.now, until) is None
    stored = await Session.get(read_early.id)
    assert stored is not None
    assert (stored.token_hash, stored.previous_token_hash) == ("third", "second")


async def test_rotation_of_a_session_that_was_revoked_meanwhile_changes_nothing(
    read_early: Session, clock: Clock
) -> None:
    await Session.revoke(read_early.identity, SessionEnd.LOGGED_OUT, clock.now)
    assert await read_early.rotate("second", clock.now, read_early.expires_at) is None


async def test_first_reason_of_an_end_stays(read_early: Session, clock: Clock) -> None:
    await Session.revoke(read_early.identity, SessionEnd.REUSED, clock.now)
    await Session.revoke(read_early.identity, SessionEnd.LOGGED_OUT, clock.now)
    stored = await Session.get(read_early.id)
    assert stored is not None
    assert stored.end is SessionEnd.REUSED


async def test_renewed_hash_does_not_overwrite_a_password_that_was_changed_meanwhile(signed: SignedIn) -> None:
    user_id, old = signed.user.identity, signed.user.password_hash
    await User.replace_password_hash(user_id, old, "of a new password")
    await User.replace_password_hash(user_id, old, "of the old password, renewed")
    stored = await User.get(user_id)
    assert stored is not None
    assert stored.password_hash == "of a new password"
