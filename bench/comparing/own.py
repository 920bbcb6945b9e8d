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

_WARM, _TIMES, _QUICK_TIMES = 5, 60, 15
_REGENERATE = """mutation Again($input: RegenerateImageInput!) {
  regenerateImage(input: $input) {
    generation { id status }
    errors { code message path retryable }
  }
}"""

type Ask = Callable[[Request], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Medians: CPU of this process, and commands to the database."""

    cpu_ms: float
    commands: float


async def regeneration_accepted(mongodb_url: str, folder: Path, plan: Plan) -> Accepted:
    """`regenerateImage` through the whole application but its socket; nobody works on what it starts.

    The garbage collector is as it is: it is the whole comparison's process.
    """
    commands = Commands()
    commands.listen()
    own = {"mongodb_url": mongodb_url, "data_dir": folder / "own", "user_queued_limit": 10_000, "redis_url": None}
    configure_logs(as_json=False, level="WARNING")
    settings = load_settings(own)
    parts = assemble(settings)
    async with opened_database(settings, parts.server, DOCUMENTS):
        signed_in = await parts.services.accounts.sign_up(
            "again@example.com", "a quiet sea at night", "Ada", Client(None, None)
        )
        image_id = await _image_of(signed_in.user.identity)
        request = Request(
            _REGENERATE,
            {"input": {"imageId": global_id("OrnamentImage", image_id), "prompt": "Make it shine"}},
            signed_in.access_token,
        )
        accepted = await _accepted(through(build(parts, _answers)), request, commands, plan)
    await parts.close()
    return accepted


async def _image_of(owner_id: PydanticObjectId) -> PydanticObjectId:
    picture = picture_of(owner_id)
    image = image_of(owner_id, picture_id=picture.identity)
    await picture.insert()
    await image.insert()
    return image.identity


async def _accepted(answer: Ask, request: Request, commands: Commands, plan: Plan) -> Accepted:
    cpu_ms, sent = list[float](), list[int]()
    for number in range(_WARM + (_QUICK_TIMES if plan.quick else _TIMES)):
        commands.take()
        before = time.process_time()
        payload = (await answer(request))["data"]["regenerateImage"]
        took_ms = (time.process_time() - before) * 1000
        assert payload["errors"] == [], payload
        taken = commands.take()
        if number == 0:
            show("regenerateImage accepted, the first time", taken)
        if number >= _WARM:
            cpu_ms.append(took_ms)
            sent.append(len(taken))
    return Accepted(statistics.median(cpu_ms), statistics.median(sent))


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
