"""The local provider on a 12-megapixel photo: seconds, peak memory, and how long the event loop stood still.

Medians of 5 runs, after one that does not count. Memory is the peak of the whole process.
"""

import asyncio
import io
import resource
import statistics
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image

from app.pictures.intake import examine
from app.providers.local.provider import LocalImageModel
from app.providers.ports.image import ImageRequest, ImageTask, MadePicture
from app.providers.ports.model import Reference

_PHOTO = Path(__file__).parent.parent / "tests" / "photos" / "animal-1.jpg"
_SIZE_PX = (4_000, 3_000)
_RUNS = 5
_BEAT_S = 0.002


def _photo() -> bytes:
    buffer = io.BytesIO()
    Image.open(_PHOTO).resize(_SIZE_PX).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


@asynccontextmanager
async def _heartbeat(gaps_s: list[float]) -> AsyncGenerator[None]:
    async def beat() -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(_BEAT_S)
            now = time.perf_counter()
            gaps_s.append(now - before - _BEAT_S)
            before = now

    task = asyncio.create_task(beat())
    yield
    task.cancel()


async def _run(request: ImageRequest) -> tuple[float, float]:
    """Seconds, and the longest gap of the loop in seconds."""
    gaps_s: list[float] = []
    started = time.perf_counter()
    async with _heartbeat(gaps_s):
        async for update in LocalImageModel().run(request):
            if isinstance(update, MadePicture):
                assert update.data
    return time.perf_counter() - started, max(gaps_s)


async def main() -> None:
    """Print the table."""
    started = time.perf_counter()
    accepted = await asyncio.to_thread(examine, _photo())
    print(f"intake of 12 megapixels      {time.perf_counter() - started:6.2f} s")
    references = (Reference(accepted.data, accepted.media_type),)
    requests = {
        "white background": ImageRequest(ImageTask.REPLACE_BACKGROUND, "", references, (), "white"),
        "and four wishes": ImageRequest(
            ImageTask.REPLACE_BACKGROUND, "", references, ("Make it shine, gold, brighter, sharper",), "white"
        ),
        "further wish": ImageRequest(ImageTask.ADJUST, "", references, ("Make it brighter",)),
    }
    for name, request in requests.items():
        runs = [await _run(request) for _ in range(_RUNS + 1)][1:]
        seconds, gap = (statistics.median(values) for values in zip(*runs, strict=True))
        print(f"{name:<28} {seconds:6.2f} s, longest gap of the loop {gap * 1000:5.1f} ms")
    print(f"peak memory                  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:6.0f} MB")


asyncio.run(main())
