"""Both suites of the diagnostics, in this process, against the providers of the settings.

They are made for an owner who exists for that long, and is erased afterwards as an account is. That is written down
first: who is killed in between leaves nothing for ever.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

from beanie import PydanticObjectId

from app.bootstrap.database import DOCUMENTS, opened_database
from app.bootstrap.parts import Parts, assemble
from app.database.sharing import joining
from app.database.upgrade import require_layouts
from app.diagnostics.results import GENERATION_KIND, Run
from app.diagnostics.service import recipe_of
from app.diagnostics.suites import Suite
from app.generations.model import Generation
from app.settings import Settings

_LOOK_EVERY_S: Final = 0.1
_SLOTS: Final = 2
_CALLS_MAX: Final = 20

type Show = Callable[[Run], None]
"""Is shown a run each time that it may stand otherwise."""


async def run_both(settings: Settings, show: Show) -> list[Run]:
    """Make all tests of both suites, whatever comes of them; how the runs ended.

    Raises:
        DatabaseError: it can't be opened: without it there is nothing to keep a run in.
        SecretFileError: a secret's file can't be trusted.
        SettingsError: the prices can't be used.
    """
    parts = assemble(settings)
    async with _opened(parts):
        owner_id = PydanticObjectId()
        await parts.services.accounts.erasures.promise(owner_id, _longest_s(settings))
        try:
            return [await _made(parts, owner_id, suite, show) for suite in Suite]
        finally:
            await _erase(parts, owner_id)


def _longest_s(settings: Settings) -> float:
    """What all tests take at most: the calls themselves, and what they may wait for a slot of their provider."""
    return _CALLS_MAX * settings.provider_timeout_s + len(Suite) * settings.generation_time_limit_s


@asynccontextmanager
async def _opened(parts: Parts) -> AsyncGenerator[None]:
    """The database open, that of a running server included, and what this process rings for itself heard."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.close)
        for link in parts.links:
            await stack.enter_async_context(link())
        connection = await stack.enter_async_context(opened_database(parts.settings, joining(parts.server)))
        await require_layouts(connection.database, DOCUMENTS)
        await parts.services.generations.clock.set(connection.database)
        if parts.settings.real("redis_url") is None:
            await stack.enter_async_context(parts.queue.serve(parts.runner.run, _SLOTS))
        yield


async def _made(parts: Parts, owner_id: PydanticObjectId, suite: Suite, show: Show) -> Run:
    """One run, begun and ended here: it is rung for nowhere."""
    generations = parts.services.generations
    key = f"{owner_id}:{uuid4().hex}"
    generation = Generation.queued(owner_id, GENERATION_KIND, recipe_of(suite), key, generations.clock.now())
    await Generation.start(generation)
    show(Run.of(generation))
    working = asyncio.create_task(parts.runner.run(generation.identity))
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=_LOOK_EVERY_S)
            generation = await _now(generation)
            show(Run.of(generation))
        await working
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    return Run.of(await _now(generation))


async def _now(generation: Generation) -> Generation:
    found = await Generation.without_events([generation.identity])
    return found.get(generation.identity, generation)


async def _erase(parts: Parts, owner_id: PydanticObjectId) -> None:
    """A round here, unless a server was quicker; what has to wait, for late writes of a store, is left to its sweep."""
    erasures = parts.services.accounts.erasures
    await erasures.begin(owner_id)
    await erasures.go_on_with(owner_id)
