"""How long what stays open may stay: as long as the token that it was opened with, its session and its account."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from app.accounts.service import Viewer
from app.accounts.sessions import account_gone, session_gone
from app.api.context import Context
from app.errors import AppError, ErrorCode

_LAST_ANSWER_S: Final = 0.5
"""For the answer to what ended it, which came by the same connection maybe."""


@dataclass(slots=True)
class Stay:
    """A socket's, or a stream's; `end` is called with a reason for people when its time is over.

    From then on the context has no viewer, and says why in `refused`.
    """

    context: Context
    end: Callable[[str], None]
    _timer: asyncio.TimerHandle | None = None
    _unheed: tuple[Callable[[], None], ...] = ()

    def begin(self) -> None:
        """Watch from now on; without a viewer there is nothing to watch, nor where it was begun already."""
        viewer = self.context.viewer
        if viewer is None or self._timer is not None:
            return
        seconds = (viewer.expires_at - datetime.now(UTC)).total_seconds()
        self._timer = asyncio.get_running_loop().call_later(max(0, seconds), self._refuse, _expired, "Token expired", 0)
        self._unheed = tuple(self._heeding(viewer))

    def over(self) -> None:
        """Leave nothing behind."""
        if self._timer:
            self._timer.cancel()
        for stop in self._unheed:
            stop()

    def _heeding(self, viewer: Viewer) -> list[Callable[[], None]]:
        """What is told of an end before its time; the session of an outside issuer is not known here."""
        accounts = self.context.services.accounts
        gone = partial(self._refuse, account_gone, "Account deleted", _LAST_ANSWER_S)
        heeding = [accounts.erasures.erased.opened(viewer.user_id, gone)]
        if viewer.session_id is not None:
            logged_out = partial(self._refuse, session_gone, "Logged out", _LAST_ANSWER_S)
            heeding.append(accounts.sessions.ended.opened(viewer.session_id, logged_out))
        return heeding

    def _refuse(self, why: Callable[[], AppError], reason: str, wait_s: float) -> None:
        """Refuse what still comes, and end."""
        self.context.viewer, self.context.refused = None, why()
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(wait_s, self.end, reason)


def _expired() -> AppError:
    return AppError(ErrorCode.UNAUTHENTICATED, "Token expired: connect again with a new access token.")
