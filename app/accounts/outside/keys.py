"""The keys of an issuer, kept at hand: fetched by one task alone, whoever asks for them and however often."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from app.accounts.outside.fetching import DEADLINE_S
from app.accounts.outside.jwks import KeySet, PublicKey
from app.errors import AppError, ErrorCode
from app.logs import logger

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often keys are fetched, in seconds.

    They are renewed after `renew`, while the old ones are still good. While the issuer is away they stay good for
    `good_for` after the last time it answered; it is asked again every `again`. For a key that is not known it is
    asked at most every `unknown`, and every `again_first` before it has ever answered; who comes in between is
    answered at once. Nobody waits for it longer than `patience`.
    """

    renew: float = 300
    again: float = 15
    again_first: float = 3
    unknown: float = 30
    good_for: float = 21_600
    patience: float = DEADLINE_S + 1


@dataclass(slots=True)
class IssuerKeys:
    """What `fetch` gave last; nothing is fetched before somebody asks for the first key, or without `run`."""

    fetch: Callable[[], Awaitable[KeySet]]
    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], float] = time.monotonic
    _keys: KeySet | None = None
    _good_until: float = 0
    _failed: bool = False
    _ask_from: float = 0
    _fetching: bool = False
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _landed: asyncio.Event = field(default_factory=asyncio.Event)

    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key of that name for that algorithm; null when the issuer has none.

        Raises:
            AppError: UNAVAILABLE when the issuer has to be asked, and does not answer.
        """
        keys = self._good()
        if keys is None or not keys.has(kid):
            await self._renewed()
            keys = self._good()
        if keys is None or (self._failed and not keys.has(kid)):
            message = "The issuer of your access token can't be asked for its keys at the moment. Try again soon."
            raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True, retry_after_s=self.pace.again_first)
        return keys.find(kid, algorithm)

    async def run(self) -> None:
        """For ever, from the first time that somebody asks: fetch when they are wanted, or have to be renewed."""
        if self._keys is None:
            await self._wanted.wait()
        while True:
            rest_s = await self._fetch()
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._wanted.wait()

    def _good(self) -> KeySet | None:
        return self._keys if self.clock() < self._good_until else None

    async def _renewed(self) -> None:
        """Wait for the end of the fetch that is on its way, or of one that begins now, if there may be one."""
        if not self._fetching and self.clock() < self._ask_from:
            return
        landed = self._landed
        if not self._fetching:
            self._wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.pace.patience):
                await landed.wait()

    async def _fetch(self) -> float:
        """How long there is nothing to do after it."""
        self._wanted.clear()
        self._fetching, began = True, self.clock()
        try:
            self._keys = await self.fetch()
        except AppError as error:
            self._failed = True
            _log.warning("issuer_keys_not_renewed", reason=error.message, good_for_s=max(0, self._good_until - began))
        else:
            self._failed, self._good_until = False, began + self.pace.good_for
        finally:
            self._fetching = False
            self._ask_from = began + (self.pace.unknown if self._good() else self.pace.again_first)
            self._landed.set()
            self._landed = asyncio.Event()
        return self.pace.again if self._failed else self.pace.renew
