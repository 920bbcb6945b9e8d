"""Twenty generations at once with pictures of 6 MB: ten times what the benchmark shows is a fault."""

import asyncio
import resource
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from beanie import PydanticObjectId

from app.bootstrap.parts import Parts, assemble
from app.bootstrap.process import working
from app.generations.following import progress
from app.generations.model import Generation, Status
from app.ornaments.asked import Asked, Role
from app.ornaments.model import OrnamentKind
from app.settings import load_settings
from app.simulator.padding import padded
from app.simulator.scenario import Scenario
from app.simulator.thread import simulated_providers

_AT_ONCE = 20
_BEAT_S = 0.005
_LOOP_S, _MEMORY_MB = 0.5, 7_000
_PHOTO = Path(__file__).parent.parent / "photos" / "car-1.jpg"


@asynccontextmanager
async def heartbeat(turns_s: list[float]) -> AsyncGenerator[None]:
    """While entered, the CPU that the loop's thread takes from one beat to the next is noted."""

    async def beat() -> None:
        while True:
            before_s = time.thread_time()
            await asyncio.sleep(_BEAT_S)
            turns_s.append(time.thread_time() - before_s)

    task = asyncio.create_task(beat())
    yield
    task.cancel()


async def end_of(parts: Parts, generation: Generation) -> Status:
    """How it ends."""
    async for _ in progress(parts.hub, generation.owner_id, generation.identity, 0):
        pass
    found = await Generation.get(generation.identity)
    assert found is not None
    return found.status


@pytest.mark.timeout(180)
@pytest.mark.parametrize("provider", ["gemini", "openai"])
async def test_large_pictures_neither_fill_the_memory_nor_stop_the_loop(tmp_path: Path, provider: str) -> None:
    turns_s: list[float] = []
    with simulated_providers() as simulator:
        given = {name.lower(): value for name, value in simulator.settings_of(Scenario.HUGE).items()}
        own = {"data_dir": tmp_path, "mongodb_url": None, "redis_url": None, "edit_provider": provider}
        limits = {"worker_slots": _AT_ONCE, "user_running_limit": _AT_ONCE}
        parts = assemble(load_settings({**given, **own, **limits}))
        async with working(parts):
            owner_id, photo = PydanticObjectId(), padded(_PHOTO.read_bytes(), "image/jpeg", 6 << 20)
            pictures = [
                await parts.services.pictures.keep(owner_id, photo + bytes([number])) for number in range(_AT_ONCE)
            ]
            make, asked = parts.services.ornaments.make, Asked("", {Role.ORNAMENT: 1}, "white")
            async with heartbeat(turns_s):
                started = [
                    await make(owner_id, OrnamentKind.WHITE_BACKGROUND, asked, {Role.ORNAMENT: [picture]}, None)
                    for picture in pictures
                ]
                statuses = await asyncio.gather(*(end_of(parts, generation) for generation in started))
    assert statuses == [Status.SUCCEEDED] * _AT_ONCE
    assert max(turns_s) < _LOOP_S
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 < _MEMORY_MB
