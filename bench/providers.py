"""Twenty generations at once with pictures of 6 MB: peak memory, and how long the event loop stood still.

As many calls to a provider at once as its default limit lets through.

The providers are simulated in a process of their own. Everything else is in this one: engine, adapter, store, and the
driver of the embedded database, which is a process of its own, too. Each provider is measured in a fresh process.
"""

import asyncio
import json
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
from typing import NamedTuple

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


class Figures(NamedTuple):
    """Of one provider. `gap_ms`: how long the loop stood still at most; `turn_ms`: the CPU of its thread until then."""

    generations: int
    succeeded: int
    peak_mb: float
    peak_before_mb: float
    gap_ms: float
    turn_ms: float
    took_s: float
    cpu_each_ms: float


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


async def run(provider: str, url: str, count: int, folder: Path) -> Figures:
    """Measure one provider."""
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
        kept = [await parts.services.pictures.keep(owner_id, photo + bytes([number])) for number in range(count)]
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
    return Figures(
        generations=count,
        succeeded=statuses.count(Status.SUCCEEDED),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        peak_before_mb=before / 1024,
        gap_ms=max(late_s for late_s, _ in gaps) * 1000,
        turn_ms=max(cpu_s for _, cpu_s in gaps) * 1000,
        took_s=took_s,
        cpu_each_ms=cpu_s / count * 1000,
    )


async def end_of(parts: Parts, generation: Generation) -> Status:
    """How it ends."""
    async for _ in progress(parts.hub, generation.owner_id, generation.identity, 0):
        pass
    found = await Generation.get(generation.identity)
    assert found is not None
    return found.status


def measured(provider: str, url: str, count: int = _AT_ONCE) -> Figures:
    """The figures of a provider, in a fresh process."""
    command = [sys.executable, "-m", "bench.providers", provider, url, str(count)]
    root = Path(__file__).parent.parent
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=root)  # noqa: S603 - this file
    return Figures(**json.loads(ran.stdout.splitlines()[-1]))


def show(provider: str, figures: Figures) -> None:
    """Print them, a line each."""
    print(f"\n{provider}: {figures.succeeded} of {figures.generations} generations succeeded")
    line("peak memory (target: under 700)", figures.peak_mb, "MB")
    line("peak memory before", figures.peak_before_mb, "MB")
    line("longest gap of the loop (target: under 50)", figures.gap_ms, "ms")
    line("most CPU of its thread between two beats", figures.turn_ms, "ms")
    line("wall time of all", figures.took_s, "s")
    line("CPU of this process for each", figures.cpu_each_ms, "ms")


def main() -> None:
    """Measure each provider in a process of its own."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start: figures are good where it is near 0")
    with simulator() as url:
        for provider in ("gemini", "openai"):
            show(provider, measured(provider, url))


def measure(provider: str, url: str, count: int) -> None:
    """One provider, in this process: its figures as one line of JSON."""
    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(provider, url, count, Path(folder)))._asdict()))


if __name__ == "__main__" and len(sys.argv) > 1:
    measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))
elif __name__ == "__main__":
    main()
