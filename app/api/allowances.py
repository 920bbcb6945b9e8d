"""How much one party may ask for in a minute: requests, and what the operations in them cost."""

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage

from app.accounts.counters import Counters
from app.errors import AppError, ErrorCode

_WINDOW_S: Final = 60
_KEYS: Final = 1_024


@dataclass(frozen=True, slots=True)
class Spent:
    """What an operation took from its party's allowance; the rest is null where there is no limit."""

    requested: int
    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None

    def shown(self) -> dict[str, Any]:
        """As `extensions.cost` has it."""
        reset_at = self.reset_at and self.reset_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"requested": self.requested, "limit": self.limit, "remaining": self.remaining, "resetAt": reset_at}


class Allowances:
    """Counts in windows of a minute, which begin with the first request in them; 0 is no limit.

    What is refused for its cost takes nothing, so that a smaller operation may still fit. A party that is null is
    not known, and not limited.
    """

    def __init__(self, storage: Storage | None = None, cost_a_minute: int = 0, requests_a_minute: int = 0) -> None:
        self._storage = storage or Counters()
        self._cost = RateLimitItemPerMinute(cost_a_minute, 1, "cost")
        self._requests = RateLimitItemPerMinute(requests_a_minute, 1, "requests")
        self._cost_key = lru_cache(_KEYS)(self._cost.key_for)
        self._requests_key = lru_cache(_KEYS)(self._requests.key_for)

    async def count_request(self, party: str | None) -> None:
        """Count a request, whatever becomes of it.

        Raises:
            AppError: RATE_LIMITED with `retry_after_s`.
        """
        if party is None or not self._requests.amount:
            return
        key = self._requests_key(party)
        if await self._storage.incr(key, _WINDOW_S) > self._requests.amount:
            reset_at = await self._storage.get_expiry(key)
            raise _later(f"Too many requests: at most {self._requests.amount:,} a minute.", reset_at)

    async def spend(self, party: str | None, cost: int) -> Spent:
        """Take the cost of an operation.

        Raises:
            AppError: RATE_LIMITED with `retry_after_s`, when it is more than what is left.
        """
        limit = self._cost.amount
        if party is None or not limit:
            return Spent(cost)
        key = self._cost_key(party)
        spent = await self._storage.incr(key, _WINDOW_S, cost)
        reset_at = await self._storage.get_expiry(key)
        if spent > limit:
            left = max(0, limit - await self._storage.incr(key, _WINDOW_S, -cost))
            message = f"This operation costs {cost:,}, and {left:,} are left of the {limit:,} a minute."
            raise _later(message, reset_at)
        return Spent(cost, limit, limit - spent, datetime.fromtimestamp(reset_at, UTC))


def _later(message: str, reset_at: float) -> AppError:
    wait_s = max(1, math.ceil(reset_at - time.time()))
    message = f"{message} Try again in {wait_s} seconds."
    return AppError(ErrorCode.RATE_LIMITED, message, retryable=True, retry_after_s=wait_s)
