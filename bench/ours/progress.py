"""Regen with one generation whose events come from outside: `python -m bench.ours.progress`, with MONGODB_URL.

The whole application but for those who work: `POST /publish` hands events to the hub as the engine does once they are
written. `GET /subscriber` says who may follow it.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from app.accounts.sessions import Client
from app.api.ids import GENERATION, global_id
from app.bootstrap.database import DOCUMENTS, opened_database
from app.bootstrap.parts import Parts, assemble
from app.generations.events import EventType, GenerationEvent
from app.generations.model import Generation
from app.logs import configure_logs
from app.main import build
from app.ornaments.service import GENERATION_KIND
from app.serving import server_config
from app.settings import load_settings
from bench.engine_parts.jobs import recipe
from bench.ours.serving import serve_until_told
from bench.peers.broker import publishing


def application(parts: Parts, generation: Generation, token: str) -> Starlette:
    """The whole application, and the two routes."""

    async def ping() -> bool:
        return True

    async def write(told: list[dict[str, Any]]) -> None:
        events = [_event(one).model_dump(by_alias=True) for one in told]
        change = {"$push": {"events": {"$each": events}}, "$set": {"lastSequence": told[-1]["sequence"]}}
        await Generation.rows().update_one({"_id": generation.identity}, change)

    async def publish(told: dict[str, Any]) -> None:
        await parts.hub.publish(generation.owner_id, generation.identity, _event(told))

    async def subscriber(_: Request) -> JSONResponse:
        return JSONResponse({"token": token, "id": global_id(GENERATION, generation.identity)})

    return Starlette(
        routes=[publishing(publish, write), Route("/subscriber", subscriber), Mount("/", app=build(parts, ping))],
    )


def _event(told: dict[str, Any]) -> GenerationEvent:
    return GenerationEvent(
        sequence=told["sequence"],
        type=EventType(told["type"]),
        at=told["at"],
        attempt=told["attempt"],
        stage=told["stage"],
        percent=told["percent"],
        message=told["message"],
    )


async def _serve(folder: Path) -> None:
    own: dict[str, object] = {"sockets_per_user": 0, "requests_per_minute": 0, "cost_per_minute": 0}
    settings = load_settings({"data_dir": folder, **own})
    parts = assemble(settings)
    async with opened_database(settings, parts.server, DOCUMENTS):
        accounts, generations = parts.services.accounts, parts.services.generations
        client = Client(None, None)
        signed_in = await accounts.sign_up("follower@example.com", "a quiet sea at night", "Ada", client)
        generation = await generations.start(signed_in.user.identity, GENERATION_KIND, recipe(), None)
        served = application(parts, generation, signed_in.access_token)
        await serve_until_told(server_config(settings, served))
    await parts.close()


def main() -> None:
    """Serve on a free port of 127.0.0.1."""
    configure_logs(as_json=False, level="WARNING")
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Path(folder)))


if __name__ == "__main__":
    main()
