"""One call to the outside issuer, if there is one."""

import time

from app.accounts.outside.issuer import OutsideIssuer
from app.doctor.report import Report
from app.errors import AppError


async def ask_issuer(report: Report, outside: OutsideIssuer | None) -> None:
    """Note whether it answers with keys that are usable, and how long that took."""
    if outside is None:
        return
    started = time.perf_counter()
    try:
        found = await outside.jwks.fetch()
    except AppError as error:
        report.broken("AUTH_JWKS_URL", f"{error.message} Nobody can log in through {outside.name} without its keys.")
        return
    took_ms = round((time.perf_counter() - started) * 1000)
    names = ", ".join(str(key.kid) if key.kid else "without a name" for key in found.keys)
    report.fine("AUTH_JWKS_URL", f"{outside.name} answered in {took_ms} ms; usable keys: {names}")
