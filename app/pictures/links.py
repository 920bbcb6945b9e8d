"""Signed links to pictures on this server: whoever holds one may fetch, until it expires."""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_HOUR_S = 3600
_LIFETIME_HOURS = 2
LIFETIME_S = _LIFETIME_HOURS * _HOUR_S
"""No link lives longer."""
WIDTHS_PX = (64, 128, 256, 400, 512, 768, 1024, 1536, 2048, 3072)
"""The widths that are made; a wish for another gets the next larger one, so that caches stay small."""


def step_of(width: int | None) -> int:
    """The next of `WIDTHS_PX`; 0, as stored, for none or one beyond them."""
    return 0 if width is None else next((step for step in WIDTHS_PX if step >= width), 0)


@dataclass(frozen=True, slots=True)
class MediaLinks:
    """Signs and checks `path?w=WIDTH&e=EXPIRY&s=SIGNATURE`; the expiry is in seconds of Unix time.

    It rounds to the hour, so that the same picture has the same link, and caches work, for an hour; a link
    is good for one to two hours.
    """

    key: bytes = field(repr=False)
    clock: Callable[[], float] = time.time

    def sign(self, path: str, width: int | None) -> str:
        """The path with its query; a `width` in pixels is rounded up to one of `WIDTHS_PX`, 0 is as stored."""
        step = step_of(width)
        expires = (int(self.clock()) // _HOUR_S + _LIFETIME_HOURS) * _HOUR_S
        return f"{path}?w={step}&e={expires}&s={self._signature(path, step, expires)}"

    def remaining_s(self, path: str, width: int, expires: int, signature: str) -> int | None:
        """Seconds that a link is still good for (0 when it has expired), null when its signature is wrong."""
        if not hmac.compare_digest(self._signature(path, width, expires).encode(), signature.encode()):
            return None
        return max(0, expires - int(self.clock()))

    def _signature(self, path: str, width: int, expires: int) -> str:
        return hmac.digest(self.key, f"{path}\n{width}\n{expires}".encode(), "sha256").hex()[:40]
