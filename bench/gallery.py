"""What pages of the gallery and looks into trees cost: milliseconds of CPU and database commands a request.

One person has 100 images, one 1,000 and one 3,000, each in a single tree, all in one embedded database in a process of
its own. Requests go through the whole application but its socket. The commands are to be as many whatever the number
of images.
"""

import asyncio
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx2
import uvloop

from app.accounts.sessions import Client
from app.api.ids import global_id
from app.bootstrap.parts import Parts, assemble
from app.bootstrap.process import working
from app.database.servers import embedded
from app.logs import configure_logs
from app.main import build
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture
from app.settings import load_settings
from bench.engine_parts.commands import Commands
from bench.engine_parts.overhead import cpu_s
from tests.ornaments.images import image_of, picture_of

_SIZES = (100, 1_000, 3_000)
_CHILDREN = 3
_WARM, _TIMES = 3, 15
_AT_ONCE = 500
_WISHES = ("Make it shine", "Add gold accents", "Make it brighter")
_BARE: Mapping[str, None] = dict.fromkeys(("redis_url", "google_api_key", "openai_api_key", "cloudinary_url"))
_ROW = "id kind createdAt combinedPrompt favourite picture { url(width: 320) thumbhash } parent { id } childCount"


_PAGE = f"nodes {{ {_ROW} }} pageInfo {{ hasNextPage endCursor }}"


def _gallery(arguments: str, shown: str = _PAGE) -> str:
    return f"{{ viewer {{ ornamentImages({arguments}) {{ {shown} }} }} }}"


def _look(shown: str) -> str:
    return f"query ($root: ID!) {{ node(id: $root) {{ ... on OrnamentImage {{ {shown} }} }} }}"


_NUMBERED = f"{{ viewer {{ ornamentImagesPage {{ images {{ {_ROW} }} pagination {{ total pages }} }} }} }}"
_REQUESTS: Mapping[str, str] = MappingProxyType(
    {
        "gallery: 20 of all": _gallery("first: 20"),
        "gallery: 20 of all, and how many they are": _gallery("first: 20", f"totalCount {_PAGE}"),
        "gallery: 20 of a kind": _gallery("first: 20, kind: WHITE_BACKGROUND"),
        "gallery: 20 with two words": _gallery('first: 20, search: "gold shine"'),
        "gallery: numbered page of 20": _NUMBERED,
        "tree: 20 versions": _look(f"tree(first: 20) {{ {_PAGE} }}"),
        "tree: up to 1,000 versions": _look("tree(first: 1000) { nodes { id parent { id } } } descendantCount"),
    }
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with so many images, all of them one tree under `root_id`."""

    images: int
    root_id: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a request: CPU here, time and commands in the median; the CPU of the database's process on average."""

    cpu_ms: float
    database_ms: float
    took_ms: float
    commands: float


async def _joined(parts: Parts, images: int) -> Person:
    """A new person with so many images, each with its picture; every version has three children."""
    email = f"{images}@example.com"
    signed_in = await parts.services.accounts.sign_up(email, "a quiet sea at night", "Ada", Client(None, None))
    owner_id = signed_in.user.identity
    made = list[OrnamentImage]()
    pictures = [picture_of(owner_id) for _ in range(images)]
    for number, picture in enumerate(pictures):
        parent = made[(number - 1) // _CHILDREN] if number else None
        made.append(image_of(owner_id, _WISHES[number % len(_WISHES)], parent, picture_id=picture.identity))
    for start in range(0, images, _AT_ONCE):
        await Picture.insert_many(pictures[start : start + _AT_ONCE])
        await OrnamentImage.insert_many(made[start : start + _AT_ONCE])
    root_id = global_id("OrnamentImage", made[0].identity)
    return Person(images, root_id, {"Authorization": f"Bearer {signed_in.access_token}"})


async def _cost(http: httpx2.AsyncClient, person: Person, query: str, commands: Commands, database_pid: int) -> Cost:
    body = {"query": query, "variables": {"root": person.root_id} if "$root" in query else {}}
    ours, took, sent = list[float](), list[float](), list[int]()
    for _ in range(_WARM):
        await http.post("/graphql", json=body, headers=dict(person.headers))
    before = cpu_s(database_pid)
    for _ in range(_TIMES):
        commands.take()
        started, cpu = time.perf_counter(), time.process_time()
        answer = (await http.post("/graphql", json=body, headers=dict(person.headers))).json()
        ours.append((time.process_time() - cpu) * 1000)
        took.append((time.perf_counter() - started) * 1000)
        sent.append(len(commands.take()))
        assert "errors" not in answer, answer
    database_ms = (cpu_s(database_pid)[1] - before[1]) / _TIMES * 1000
    return Cost(statistics.median(ours), database_ms, statistics.median(took), statistics.median(sent))


async def _run(folder: Path) -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start: times are good where it is near 0")
    commands = Commands()
    commands.listen()
    (folder / "database").mkdir()
    server = embedded(folder / "database")
    await server.start()
    try:
        settings = load_settings({**_BARE, "data_dir": folder, "mongodb_url": server.url})
        await _measure(assemble(settings), commands, server.pid or 0)
    finally:
        await server.stop()


async def _measure(parts: Parts, commands: Commands, database_pid: int) -> None:
    async with working(parts):
        people = [await _joined(parts, images) for images in _SIZES]
        transport = httpx2.ASGITransport(build(parts, _answers))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
            print(f"{'':<44} {'images':>7} {'commands':>9} {'CPU ms':>8} {'database ms':>12} {'took ms':>8}")
            for label, query in _REQUESTS.items():
                for person in people:
                    cost = await _cost(http, person, query, commands, database_pid)
                    figures = f"{cost.cpu_ms:8.1f} {cost.database_ms:12.1f} {cost.took_ms:8.1f}"
                    print(f"{label:<44} {person.images:>7,} {cost.commands:>9.0f} {figures}")


async def _answers() -> bool:
    return True


def main() -> None:
    """Print the table, on the event loop of the server and with its settings of the garbage collector."""
    configure_logs(as_json=False, level="WARNING")
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_run(Path(folder)))


if __name__ == "__main__":
    main()
