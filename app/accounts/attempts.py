"""How often somebody may try: log-ins by account and by address, sign-ups by address."""

import math
import time
from dataclasses import dataclass
from typing import Final, Protocol

from limits import RateLimitItemPerSecond
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter

from app.accounts.networks import network
from app.errors import AppError, ErrorCode

_IN_SECONDS_UP_TO: Final = 90


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """Attempts within one window, which begins with the first of them and lasts `window_s` seconds."""

    log_ins_by_account: int = 10
    log_ins_by_address: int = 50
    sign_ups_by_address: int = 50
    window_s: int = 900


class AttemptLimiter(Protocol):
    """Counts attempts before they are made, so that a thousand at once are limited like a thousand in a row."""

    async def count_log_in(self, account: str, address: str | None) -> None:
        """Count an attempt to log in to an account (its e-mail key, existing or not) from an address.

        Raises:
            AppError: RATE_LIMITED with `retry_after_s`.
        """
        ...

    async def forgive_log_in(self, account: str, address: str | None) -> None:
        """Take back one attempt that succeeded; earlier failures stay counted."""
        ...

    async def count_sign_up(self, address: str | None) -> None:
        """Count an attempt to sign up, successful or not: each tells whether an e-mail address has an account.

        Raises:
            AppError: RATE_LIMITED with `retry_after_s`.
        """
        ...


class WindowedAttempts:
    """Counts in fixed windows, in any of `limits`' asynchronous storages.

    Windows end by themselves and refused attempts don't prolong them, so nobody is locked out for good. The
    trade-off of limiting by account: a stranger who keeps failing on purpose can keep its owner from logging in
    for the rest of each window. The owner's open sessions go on meanwhile, and without this limit a botnet's
    guesses would be bounded by nothing. Around the end of a window up to twice the number may come together.
    """

    def __init__(self, storage: Storage, limits: AttemptLimits | None = None) -> None:
        limits = limits or AttemptLimits()
        self._windows = FixedWindowRateLimiter(storage)
        self._by_account = RateLimitItemPerSecond(limits.log_ins_by_account, limits.window_s, "log-in/account")
        self._by_address = RateLimitItemPerSecond(limits.log_ins_by_address, limits.window_s, "log-in/address")
        self._sign_ups = RateLimitItemPerSecond(limits.sign_ups_by_address, limits.window_s, "sign-up/address")

    async def count_log_in(self, account: str, address: str | None) -> None:
        """See the port; an attempt that the account's limit refuses still counts for its address."""
        if address is not None:
            await self._count(self._by_address, network(address), "Too many attempts to log in from your network.")
        await self._count(self._by_account, account, "Too many attempts to log in to this account.")

    async def forgive_log_in(self, account: str, address: str | None) -> None:
        """See the port."""
        if address is not None:
            await self._windows.hit(self._by_address, network(address), cost=-1)
        await self._windows.hit(self._by_account, account, cost=-1)

    async def count_sign_up(self, address: str | None) -> None:
        """See the port."""
        if address is not None:
            await self._count(self._sign_ups, network(address), "Too many attempts to sign up from your network.")

    async def _count(self, limit: RateLimitItemPerSecond, key: str, refusal: str) -> None:
        if await self._windows.hit(limit, key):
            return
        reset_at, _ = await self._windows.get_window_stats(limit, key)
        wait_s = max(1, math.ceil(reset_at - time.time()))
        raise AppError(
            ErrorCode.RATE_LIMITED,
            f"{refusal} Try again in {_in_words(wait_s)}.",
            retryable=True,
            path=("input",),
            retry_after_s=wait_s,
        )


def _in_words(wait_s: int) -> str:
    if wait_s <= 1:
        return "a second"
    if wait_s <= _IN_SECONDS_UP_TO:
        return f"{wait_s} seconds"
    return f"{math.ceil(wait_s / 60)} minutes"
