"""What uploads cost the server: CPU a body of 5 MB, how long its loop stands still, and the memory that photos take.

The server is a process of its own, on its event loop and with its settings. CPU is of its whole process. A body that
is no picture is refused as soon as it has come: it costs what bringing it in costs. A photo has 12 megapixels.
"""

import asyncio
import io
import json
import os
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image, ImageChops

from bench.engine_parts.served import Served, served
from tests.e2e.client import SIGN_UP

_PHOTO = Path(__file__).parent.parent / "tests" / "photos" / "animal-1.jpg"
_SIZE_PX, _NOISE = (4_000, 3_000), 20
_BODY_BYTES = 5_000_000
_TIMES, _WARM = 20, 3
_PHOTOS, _AT_ONCE = 20, 5
_THUMBNAIL_PX = 320
_UPLOAD = "mutation ($file: Upload!) { uploadPicture(input: { picture: { upload: $file } }) { errors { code } } }"

type Send = Callable[[httpx2.AsyncClient, bytes], Coroutine[Any, Any, httpx2.Response]]


@dataclass(frozen=True, slots=True)
class Uploads:
    """Milliseconds of CPU a body, by how it is sent; of the photos, the loop's longest gap, CPU each, peak memory.

    `held_ms` is the longest gap without the time for which the loop's thread had no core (see `Told`).
    """

    body_ms: Mapping[str, float]
    longest_gap_ms: float
    held_ms: float
    photo_ms: float
    again_ms: float
    peak_mb: float


async def _raw(http: httpx2.AsyncClient, data: bytes) -> httpx2.Response:
    return await http.post("/uploads", content=data, headers={"content-type": "image/jpeg"})


async def _form(http: httpx2.AsyncClient, data: bytes) -> httpx2.Response:
    return await http.post("/uploads", files={"file": ("a.jpg", data, "image/jpeg")})


async def _graphql(http: httpx2.AsyncClient, data: bytes) -> httpx2.Response:
    operations = json.dumps({"query": _UPLOAD, "variables": {"file": None}})
    fields = {"operations": operations, "map": json.dumps({"0": ["variables.file"]})}
    headers = {"graphql-require-preflight": "true"}
    return await http.post("/graphql", data=fields, files={"0": ("a.jpg", data, "image/jpeg")}, headers=headers)


_WAYS: Mapping[str, Send] = {"raw body": _raw, "form": _form, "GraphQL multipart": _graphql}


def measure() -> Uploads:
    """Measure; takes some 20 seconds of CPU."""
    photos = _photos()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        return asyncio.run(_measured(server, photos))


async def _measured(server: Served, photos: list[bytes]) -> Uploads:
    async with httpx2.AsyncClient(base_url=server.url, timeout=120) as http:
        http.headers["authorization"] = f"Bearer {await _token(http)}"
        bodies = {name: await _body_ms(server, http, send) for name, send in _WAYS.items()}
        await _with_thumbnail(http, photos[0])
        server.ask()
        await _all_of(http, photos[1:])
        first = server.ask()
        await _all_of(http, photos[1:])
        again = server.ask()
    return Uploads(
        body_ms=bodies,
        longest_gap_ms=first.gap_s * 1_000,
        held_ms=first.held_s * 1_000,
        photo_ms=first.cpu_s * 1_000 / _PHOTOS,
        again_ms=again.cpu_s * 1_000 / _PHOTOS,
        peak_mb=first.peak_bytes / 1e6,
    )


async def _token(http: httpx2.AsyncClient) -> str:
    person = {"email": "ada@example.com", "password": "a quiet sea at night", "name": "Ada"}
    answer = await http.post("/graphql", json={"query": SIGN_UP, "variables": {"input": person}})
    token: str = answer.json()["data"]["signUp"]["session"]["accessToken"]
    return token


async def _body_ms(server: Served, http: httpx2.AsyncClient, send: Send) -> float:
    data = b"text " * (_BODY_BYTES // 5)
    for number in range(_WARM + _TIMES):
        if number == _WARM:
            server.ask()
        answer = await send(http, data)
        assert b"BAD_USER_INPUT" in answer.content, answer.text
    return server.ask().cpu_s * 1_000 / _TIMES


async def _all_of(http: httpx2.AsyncClient, photos: list[bytes]) -> None:
    waiting = iter(photos)

    async def one_after_another() -> None:
        for photo in waiting:
            await _with_thumbnail(http, photo)

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(one_after_another())


async def _with_thumbnail(http: httpx2.AsyncClient, photo: bytes) -> None:
    answer = await _raw(http, photo)
    assert answer.is_success, answer.text
    query = "query ($id: ID!) { node(id: $id) { ... on Picture { url(width: %d) } } }" % _THUMBNAIL_PX  # noqa: UP031 - braces
    found = await http.post("/graphql", json={"query": query, "variables": {"id": answer.json()["id"]}})
    thumbnail = await http.get(found.json()["data"]["node"]["url"])
    assert thumbnail.headers["content-type"] == "image/webp"


def _photos() -> list[bytes]:
    """One more than are measured, each another, of about 5 MB."""
    with Image.open(_PHOTO) as photo:
        large = photo.convert("RGB").resize(_SIZE_PX, Image.Resampling.BICUBIC)
    grain = Image.effect_noise(_SIZE_PX, _NOISE).convert("RGB")
    noisy, made = ImageChops.add(large, grain, 2), list[bytes]()
    for number in range(_PHOTOS + 1):
        noisy.putpixel((number * 16, 0), (255, 0, 0))
        buffer = io.BytesIO()
        noisy.save(buffer, "JPEG", quality=92)
        made.append(buffer.getvalue())
    return made


def main() -> None:
    """Print the figures."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start: times are good where it is near 0")
    print(json.dumps(asdict(measure()), indent=2))


if __name__ == "__main__":
    main()
