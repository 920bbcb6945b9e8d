"""How long what stays open may stay: as long as the token that it was opened with, and its account."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.accounts.sessions import account_gone
from app.api.context import Context

_LAST_ANSWER_S = 1


@dataclass(slots=True)
class Stay:
    """A socket's, or a stream's; `end` is called once, with a reason for people, when its time is over."""

    context: Context
    end: Callable[[str], None]
    _timer: asyncio.TimerHandle | None = None
    _leave: Callable[[], None] | None = None

    def begin(self) -> None:
        """Watch from now on; without a viewer there is nothing to watch, nor where it was begun already."""
        viewer = self.context.viewer
        if viewer is None or self._leave is not None:
            return
        seconds = (viewer.expires_at - datetime.now(UTC)).total_seconds()
        self._end_in(max(0, seconds), "Token expired")
        self._leave = self.context.services.accounts.erasures.erased.opened(viewer.user_id, self._erased)

    def over(self) -> None:
        """Leave nothing behind."""
        if self._timer:
            self._timer.cancel()
        if self._leave:
            self._leave()

    def _erased(self) -> None:
        """End after the answer to what deleted the account, which came by the same connection maybe."""
        self.context.viewer, self.context.refused = None, account_gone()
        self._end_in(_LAST_ANSWER_S, "Account deleted")

    def _end_in(self, seconds: float, reason: str) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end, reason)
