"""One cheap call to each provider that is configured."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

from app.bootstrap.models import Check
from app.bootstrap.parts import Parts
from app.doctor.report import Report
from app.errors import AppError

_SOON_DAYS = 90


async def ask_providers(report: Report, parts: Parts) -> None:
    """Note of each model whether its provider knows it, how long the answer took, and when it ends."""
    if not parts.models.checks:
        report.hint("providers", "none is configured: OPENAI_API_KEY and GOOGLE_API_KEY are not set")
    for setting, check in parts.models.checks.items():
        await _ask(report, setting, check)
    if parts.stores.ping is not None:
        await _ping(report, parts.stores.ping)


async def _ask(report: Report, setting: str, check: Check) -> None:
    started = time.perf_counter()
    try:
        checkup = await check()
    except AppError as error:
        report.broken(setting, f"{error.message} ({error.code})")
        return
    took_ms = round((time.perf_counter() - started) * 1000)
    known = f"{checkup.model}, answered in {took_ms} ms"
    if checkup.shuts_down is None:
        report.fine(setting, known)
        return
    left = (checkup.shuts_down - datetime.now(UTC).date()).days
    _note_end(report, setting, known, checkup.shuts_down, left)


async def _ping(report: Report, ping: Callable[[], Awaitable[None]]) -> None:
    started = time.perf_counter()
    try:
        await ping()
    except AppError as error:
        report.broken("CLOUDINARY_URL", f"{error.message} ({error.code})")
        return
    report.fine("CLOUDINARY_URL", f"answered in {round((time.perf_counter() - started) * 1000)} ms")


def _note_end(report: Report, setting: str, known: str, day: date, left: int) -> None:
    if left < 0:
        report.broken(setting, f"{known}, but it was shut down on {day}: set another model")
    elif left <= _SOON_DAYS:
        report.hint(setting, f"{known}; it is shut down on {day}, in {left} days: set another model before")
    else:
        report.fine(setting, f"{known}; it is shut down on {day}")
