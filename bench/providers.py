"""Twenty generations at once with pictures of 6 MB: peak memory, and how long the event loop stood still.

As many calls to a provider at once as its default limit lets through.

The providers are simulated in a process of their own. Everything else is in this one: engine, adapter, store, and the
driver of the embedded database, which is a process of its own, too. Each provider is measured in a fresh process.
"""

import asyncio
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from beanie import PydanticObjectId

from app.bootstrap.parts import Parts, assemble
from app.bootstrap.process import working
from app.generations.following import progress
from app.generations.model import Generation, Status
from app.logs import configure_logs
from app.ornaments.asked import Asked, Role
from app.ornaments.model import OrnamentKind
from app.settings import load_settings
from app.simulator.padding import padded
from bench.engine_parts.figures import line

_AT_ONCE = 20
_BEAT_S = 0.002
_PHOTO = Path(__file__).parent.parent / "tests" / "photos" / "car-1.jpg"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def simulator() -> Generator[str]:
    """The address of simulated providers in a process of their own."""
    command = [sys.executable, "-m", "app.cli", "simulate-providers", "--port", "0", "--takes", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        assert process.stdout is not None
        found = _ADDRESS.search(process.stdout.readline())
        assert found, "the simulated providers did not start"
        try:
            yield found[0]
        finally:
            process.terminate()


@asynccontextmanager
async def heartbeat(gaps: list[tuple[float, float]]) -> AsyncGenerator[None]:
    """While entered: how much later than asked for the loop came back, and its thread's CPU meanwhile, in seconds."""

    async def beat() -> None:
        while True:
            before, cpu_s = time.perf_counter(), time.thread_time()
            await asyncio.sleep(_BEAT_S)
            gaps.append((time.perf_counter() - before - _BEAT_S, time.thread_time() - cpu_s))

    task = asyncio.create_task(beat())
    yield
    task.cancel()


async def run(provider: str, url: str, folder: Path) -> None:
    """Print the figures of one provider."""
    given: Mapping[str, object] = {
        "data_dir": folder,
        "mongodb_url": None,
        "redis_url": None,
        "openai_api_key": "sim-huge",
        "openai_base_url": f"{url}/v1",
        "google_api_key": "sim-huge",
        "google_gemini_base_url": url,
        "edit_provider": provider,
        "worker_slots": _AT_ONCE,
        "user_running_limit": _AT_ONCE,
    }
    configure_logs(as_json=True, level="WARNING")
    parts = assemble(load_settings(given))
    gaps: list[tuple[float, float]] = []
    async with working(parts):
        owner_id = PydanticObjectId()
        photo = padded(_PHOTO.read_bytes(), "image/jpeg", 6 << 20)
        kept = [await parts.services.pictures.keep(owner_id, photo + bytes([number])) for number in range(_AT_ONCE)]
        asked = Asked("Make it shine", {Role.ORNAMENT: 1}, "white")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, cpu_s = time.perf_counter(), time.process_time()
        async with heartbeat(gaps):
            ornaments = parts.services.ornaments
            generations = [
                await ornaments.make(owner_id, OrnamentKind.WHITE_BACKGROUND, asked, {Role.ORNAMENT: [picture]}, None)
                for picture in kept
            ]
            statuses = await asyncio.gather(*(end_of(parts, generation) for generation in generations))
        took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_s
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\n{provider}: {statuses.count(Status.SUCCEEDED)} of {_AT_ONCE} generations succeeded")
    line("peak memory (target: under 700)", peak / 1024, "MB")
    line("peak memory before", before / 1024, "MB")
    line("longest gap of the loop (target: under 50)", max(late_s for late_s, _ in gaps) * 1000, "ms")
    line("most CPU of its thread between two beats", max(cpu_s for _, cpu_s in gaps) * 1000, "ms")
    line("wall time of all", took_s, "s")
    line("CPU of this process for each", cpu_s / _AT_ONCE * 1000, "ms")


async def end_of(parts: Parts, generation: Generation) -> Status:
    """How it ends."""
    async for _ in progress(parts.hub, generation.owner_id, generation.identity, 0):
        pass
    found = await Generation.get(generation.identity)
    assert found is not None
    return found.status


def main() -> None:
    """Measure each provider in a process of its own, or the one that is named."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start: figures are good where it is near 0")
    with simulator() as url:
        for provider in ("gemini", "openai"):
            subprocess.run([sys.executable, __file__, provider, url], check=True)  # noqa: S603 - this file


def measure(provider: str, url: str) -> None:
    """One provider, in this process."""
    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(provider, url, Path(folder)))


if __name__ == "__main__" and len(sys.argv) > 1:
    measure(sys.argv[1], sys.argv[2])
elif __name__ == "__main__":
    main()
