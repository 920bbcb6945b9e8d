"""Counters of this process, in windows that end by themselves."""

import time
from dataclasses import dataclass
from typing import override

from limits.aio.storage import Storage

_SWEPT_AT = 1_000


@dataclass(slots=True)
class _Window:
    ends_at: float
    count: int = 0


class Counters(Storage):
    """A storage for `limits`.

    Its own one in memory looks at every counter there is for each that it counts: half a millisecond with 5,000.
    This one does that when they have doubled.
    """

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[str, _Window] = {}
        self._swept_at = _SWEPT_AT

    @property
    @override
    def base_exceptions(self) -> type[Exception]:
        """See the base; none is raised here."""
        return ValueError

    @override
    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; a window of `expiry` seconds begins where none is open."""
        window = self._open(key)
        if window is None:
            self._sweep()
            window = self._windows[key] = _Window(time.time() + expiry)
        window.count += amount
        return window.count

    @override
    async def get(self, key: str) -> int:
        """The count of the open window."""
        window = self._open(key)
        return window.count if window else 0

    @override
    async def get_expiry(self, key: str) -> float:
        """When the open window ends; now where none is open."""
        window = self._open(key)
        return window.ends_at if window else time.time()

    @override
    async def check(self) -> bool:
        """Whether it can count."""
        return True

    @override
    async def reset(self) -> int | None:
        """Forget everything; how many counters there were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    @override
    async def clear(self, key: str) -> None:
        """Forget one counter."""
        self._windows.pop(key, None)

    def _open(self, key: str) -> _Window | None:
        window = self._windows.get(key)
        return window if window and window.ends_at > time.time() else None

    def _sweep(self) -> None:
        if len(self._windows) < self._swept_at:
            return
        now = time.time()
        self._windows = {key: window for key, window in self._windows.items() if window.ends_at > now}
        self._swept_at = max(_SWEPT_AT, 2 * len(self._windows))
