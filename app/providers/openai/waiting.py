"""How long OpenAI asks to wait."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds until a request may succeed, null when the answer does not say.

    Read from `retry-after-ms`, else from Retry-After (RFC 9110 §10.2.3) in seconds or as a date; a date is taken
    against the answer's own, so that a clock that goes wrong here does not matter.
    """
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        wait = _number(headers.get(name), per_second)
        if wait is not None:
            return wait
    until = _date(headers.get("retry-after"))
    if until is None:
        return None
    return max(0.0, (until - (_date(headers.get("date")) or datetime.now(UTC))).total_seconds())


def _number(text: str | None, per_second: int) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number / per_second if isfinite(number) and number >= 0 else None


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
