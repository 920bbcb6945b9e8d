"""What the tries of a generation leave behind: attempts, the calls they made, leases, failures."""

from enum import StrEnum

from pydantic import Field

from app.costs.usage import Unit
from app.database.document import Instant, StoredValue
from app.errors import ErrorCode


class Failure(StoredValue):
    """Why it failed: a public code, a sentence for people, and whether the same again may succeed.

    `sent` is false when it is of a call to a provider that nothing has reached.
    """

    code: ErrorCode
    message: str
    retryable: bool
    retry_after_s: float | None = None
    sent: bool = True


class Lease(StoredValue):
    """Who works on it, and until when by the database's clock."""

    worker: str
    until: Instant


class Outcome(StrEnum):
    """How an attempt, or one call to a provider, ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    GIVEN_BACK = "GIVEN_BACK"
    LEASE_LOST = "LEASE_LOST"


class Attempt(StoredValue):
    """One try of one worker; `outcome` is null while it runs, `code`, `message` and `sent` say why it failed."""

    number: int
    worker: str
    started_at: Instant
    ended_at: Instant | None = None
    outcome: Outcome | None = None
    code: ErrorCode | None = None
    message: str | None = None
    sent: bool = True


class Call(StoredValue):
    """One call to a provider: an entry of the ledger, written before the call is made.

    `number` counts inside the generation, from 1. `outcome` is null while it runs. `billable`: the provider takes
    money for it; `maybe_billed`: it was cut off, so that nobody here knows whether it did. `usage` is empty while it
    is unknown. `cost` is in micros, millionths of `currency`: null while it runs and when it is not known. `estimated`
    is what was reserved for it from the daily budgets, in micros, null when nothing was.
    """

    number: int
    attempt: int
    provider: str
    model: str
    billable: bool
    started_at: Instant
    ended_at: Instant | None = None
    outcome: Outcome | None = None
    code: ErrorCode | None = None
    maybe_billed: bool = False
    provider_request_id: str | None = None
    usage: dict[Unit, int] = Field(default_factory=dict[Unit, int])
    cost: int | None = None
    currency: str | None = None
    estimated: int | None = None

    @property
    def charged(self) -> int | None:
        """Micros that it cost, null when nobody knows; what takes no money costs nothing."""
        return self.cost if self.billable else 0

    @property
    def counted(self) -> int:
        """Micros that a budget counts: the cost, or what was reserved as long as that is not known."""
        charged = self.charged
        return (self.estimated or 0) if charged is None else charged
