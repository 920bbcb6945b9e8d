"""The examination: one look at everything that a server of these settings would use."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

from app.bootstrap.costs import unpriced
from app.bootstrap.database import DOCUMENTS, opened_database
from app.bootstrap.parts import Parts, assemble
from app.database.errors import DatabaseError, DataFolderInUseError
from app.database.sharing import joining
from app.database.upgrade import outdated
from app.doctor.issuer import ask_issuer
from app.doctor.providers import ask_providers
from app.doctor.report import Report
from app.main import WEB_DIST
from app.settings import Settings


async def examine(settings: Settings, *, providers: bool = False) -> Report:
    """Look at everything this process would use; nothing is changed but what a start would make.

    `providers`: ask each one that is configured about its models, which costs nothing.
    """
    report = Report()
    parts = assemble(settings)
    for name, description in parts.description().items():
        if name not in {"database", "queue"}:
            report.fine(name, description)
    _prices(report, parts)
    await _queue(report, parts)
    await _database(report, parts)
    await ask_issuer(report, parts.services.accounts.outside)
    if providers:
        await ask_providers(report, parts)
    await parts.close()
    await asyncio.to_thread(_data_folder, report, settings.data_dir)
    _keys(report, settings)
    if WEB_DIST.exists():
        report.fine("explorer", "built" if settings.explorer else "switched off by EXPLORER")
    else:
        report.hint("explorer", "not built: run `make run`, or `npm ci && npm run build` in web/")
    return report


def _prices(report: Report, parts: Parts) -> None:
    budgets = parts.runner.closing.budgets
    if budgets.are_set and (names := unpriced(budgets, parts.models.billed)):
        report.broken("PRICES", f"has no price for {', '.join(names)}: with a budget they are not called")


async def _queue(report: Report, parts: Parts) -> None:
    async with AsyncExitStack() as stack:
        for link in parts.links:
            await stack.enter_async_context(link())
        if await parts.queue.alive():
            report.fine("queue", parts.queue.description)
        else:
            report.broken("queue", f"{parts.queue.description} does not answer: check that it runs, and REDIS_URL")


async def _database(report: Report, parts: Parts) -> None:
    try:
        async with opened_database(parts.settings, joining(parts.server)) as connection:
            waiting = await outdated(connection.database, DOCUMENTS)
            report.fine("database", f"{parts.server.description}, reachable")
    except DataFolderInUseError as error:
        report.hint("database", f"{parts.server.description}; {error}")
        return
    except DatabaseError as error:
        report.broken("database", str(error))
        return
    if waiting:
        counts = ", ".join(f"{count} in {name}" for name, count in waiting.items())
        report.broken("database", f"documents have an older layout ({counts}): run `regen upgrade`")


def _data_folder(report: Report, folder: Path) -> None:
    if os.access(folder, os.W_OK):
        report.fine("data folder", f"{folder.resolve()}, writable")
    else:
        report.broken("data folder", f"{folder.resolve()} can't be written: change its owner, or set DATA_DIR")


def _keys(report: Report, settings: Settings) -> None:
    for name in settings.placeholders():
        report.broken(name, "holds a placeholder, not a real value: put the real one there, or remove it")
    if settings.google_api_key is None:
        report.hint("GOOGLE_API_KEY", "not set: ornaments are made by basic processing; make a key in Google AI Studio")
    if settings.openai_api_key is None:
        report.hint("OPENAI_API_KEY", "not set: text and pictures of words are placeholders; make a key at OpenAI")
    if settings.cloudinary_url is None:
        report.hint("CLOUDINARY_URL", "not set: pictures lie on this machine's disk")
    for name in ("jwt_secret", "media_url_key"):
        if settings.real(name) is None:
            report.fine(name.upper(), f"not set: made here and kept in {settings.data_dir / 'secrets' / name}")
        else:
            report.fine(name.upper(), "set")
