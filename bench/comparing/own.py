"""What only Regen does: a regeneration that is accepted, and the loop's stalls while photos come in."""

import asyncio
import importlib
import importlib.util
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beanie import PydanticObjectId
from starlette.types import Message, Scope

from app.accounts.sessions import Client
from app.api.ids import global_id
from app.bootstrap.database import DOCUMENTS, opened_database
from app.bootstrap.parts import assemble
from app.logs import configure_logs
from app.main import build
from app.settings import load_settings
from bench.comparing.rounds import Plan, Request
from bench.engine_parts.commands import Commands, show
from tests.ornaments.images import image_of, picture_of

_WARM, _TIMES, _QUICK_TIMES, _COUNTED = 5, 60, 15, 5
_REGENERATE = """mutation Again($input: RegenerateImageInput!) {
  regenerateImage(input: $input) {
    generation { id status }
    errors { code message path retryable }
  }
}"""

type Ask = Callable[[Request], Awaitable[dict[str, Any]]]
type Measure = Callable[[Ask, Request], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Medians: CPU of this process, and commands to the database."""

    cpu_ms: float
    commands: float


async def regeneration_accepted(mongodb_url: str, folder: Path, plan: Plan) -> Accepted:
    """`regenerateImage` through the whole application but its socket; nobody works on what it starts.

    The garbage collector is as it is: it is the whole comparison's process. Commands are counted apart, by a
    connection of their own: looking at them takes time.
    """
    configure_logs(as_json=False, level="WARNING")
    times = _QUICK_TIMES if plan.quick else _TIMES
    cpu_ms = await _asked(mongodb_url, folder, "timed@example.com", times, _cpu_ms)
    commands = Commands()
    commands.listen()

    async def count(ask: Ask, request: Request) -> float:
        commands.take()
        await _accepted(ask, request)
        return len(commands.take())

    async def tell(ask: Ask, request: Request) -> float:
        await _accepted(ask, request)
        show("regenerateImage accepted, the first time", commands.take())
        return await count(ask, request)

    await _asked(mongodb_url, folder, "told@example.com", 0, tell)
    sent = await _asked(mongodb_url, folder, "counted@example.com", _COUNTED, count)
    return Accepted(statistics.median(cpu_ms), statistics.median(sent))


async def _asked(mongodb_url: str, folder: Path, email: str, times: int, measure: Measure) -> list[float]:
    """What is measured of so many regenerations of somebody's, after some that are not."""
    own = {"mongodb_url": mongodb_url, "data_dir": folder / "own", "user_queued_limit": 10_000, "redis_url": None}
    settings = load_settings(own)
    parts = assemble(settings)
    async with opened_database(settings, parts.server, DOCUMENTS):
        signed_in = await parts.services.accounts.sign_up(email, "a quiet sea at night", "Ada", Client(None, None))
        image_id = await _image_of(signed_in.user.identity)
        request = Request(
            _REGENERATE,
            {"input": {"imageId": global_id("OrnamentImage", image_id), "prompt": "Make it shine"}},
            signed_in.access_token,
        )
        ask = through(build(parts, _answers))
        warm = [await measure(ask, request) for _ in range(_WARM if times else 1)]
        measured = [await measure(ask, request) for _ in range(times)]
    await parts.close()
    return measured or warm


async def _cpu_ms(ask: Ask, request: Request) -> float:
    before = time.process_time()
    await _accepted(ask, request)
    return (time.process_time() - before) * 1000


async def _accepted(ask: Ask, request: Request) -> None:
    payload = (await ask(request))["data"]["regenerateImage"]
    assert payload["errors"] == [], payload


async def _image_of(owner_id: PydanticObjectId) -> PydanticObjectId:
    picture = picture_of(owner_id)
    image = image_of(owner_id, picture_id=picture.identity)
    await picture.insert()
    await image.insert()
    return image.identity


def through(application: Any) -> Ask:
    """Asks the application as its server would."""

    async def answer(request: Request) -> dict[str, Any]:
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
            + [(b"host", b"localhost"), (b"content-length", str(len(request.body)).encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        said = list[bytes]()

        async def receive() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Message) -> None:
            said.append(message.get("body", b""))

        await application(scope, receive, send)
        told: dict[str, Any] = json.loads(b"".join(said))
        return told

    return answer


async def _answers() -> bool:
    return True


async def measured_by(module: str) -> Any:
    """What `bench/MODULE.py` measures, which runs a loop of its own; null when there is none."""
    if importlib.util.find_spec(f"bench.{module}") is None:
        return None
    return await asyncio.to_thread(importlib.import_module(f"bench.{module}").measure)
