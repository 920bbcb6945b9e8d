from dataclasses import dataclass, field
from typing import Any

import pytest
from beanie import PydanticObjectId
from limits.aio.storage import MemoryStorage
from pymongo.asynchronous.database import AsyncDatabase

from app.accounts.attempts import AttemptLimits, WindowedAttempts
from app.accounts.erasing import Erasures
from app.accounts.erasure import Erasure
from app.accounts.model import Session, User
from app.accounts.passwords import HashingCost, PasswordHasher
from app.accounts.refresh_tokens import RefreshTokens
from app.accounts.service import Accounts
from app.accounts.sessions import Sessions
from app.accounts.tokens import TokenSigner
from tests.accounts.clock import Clock
from tests.indexed import point_at

SECRET = b"for tests only, 32 bytes or more of it"


@dataclass
class RecordedDoor:
    """Remembers who may not come in any more."""

    closed: set[PydanticObjectId] = field(default_factory=set[PydanticObjectId])

    async def close(self, owner_id: PydanticObjectId) -> None:
        self.closed.add(owner_id)

    async def forget(self, owner_id: PydanticObjectId) -> None:
        self.closed.discard(owner_id)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door() -> RecordedDoor:
    return RecordedDoor()


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
    door: RecordedDoor,
) -> Accounts:
    await point_at(database, [User, Session, Erasure])
    return Accounts(
        passwords=hasher,
        attempts=WindowedAttempts(MemoryStorage(), AttemptLimits(log_ins_by_account=3)),
        tokens=signer,
        sessions=Sessions(refresh_tokens, clock=clock),
        erasures=Erasures(door, ()),
        clock=clock,
    )
