from typing import Any

import pytest
from beanie import init_beanie  # pyright: ignore[reportUnknownVariableType] - its database type is left open
from limits.aio.storage import MemoryStorage
from pymongo.asynchronous.database import AsyncDatabase

from app.accounts.attempts import AttemptLimits, WindowedAttempts
from app.accounts.model import Session, User
from app.accounts.passwords import HashingCost, PasswordHasher
from app.accounts.refresh_tokens import RefreshTokens
from app.accounts.service import Accounts
from app.accounts.sessions import Sessions
from app.accounts.tokens import TokenSigner
from tests.accounts.clock import Clock

SECRET = b"for tests only, 32 bytes or more of it"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(clock: Clock) -> TokenSigner:
    return TokenSigner(SECRET, clock=clock)


@pytest.fixture
def refresh_tokens() -> RefreshTokens:
    return RefreshTokens(SECRET)


@pytest.fixture
def hasher() -> PasswordHasher:
    return PasswordHasher(HashingCost(passes=1, memory_kib=64, lanes=1))


@pytest.fixture
async def accounts(
    database: AsyncDatabase[dict[str, Any]],
    clock: Clock,
    hasher: PasswordHasher,
    signer: TokenSigner,
    refresh_tokens: RefreshTokens,
) -> Accounts:
    await init_beanie(database=database, document_models=[User, Session], skip_indexes=True)
    return Accounts(
        passwords=hasher,
        attempts=WindowedAttempts(MemoryStorage(), AttemptLimits(log_ins_by_account=3)),
        tokens=signer,
        sessions=Sessions(refresh_tokens, clock=clock),
        clock=clock,
    )
