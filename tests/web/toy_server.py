"""A small GraphQL server behind the explorer: a session, uploads, a subscription and pictures."""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, override

import strawberry
import uvicorn
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.file_uploads import Upload
from strawberry.types import Info

from app.api.explorer import explorer_page, explorer_routes

TOKEN = "toy-access-token"


@strawberry.type
class Picture:
    url: str


@strawberry.type
class Session:
    access_token: str
    refresh_token: str


@strawberry.type
class SignUpPayload:
    session: Session


@strawberry.input
class SignUpInput:
    email: str


@strawberry.input(one_of=True)
class PictureInput:
    upload: Upload | None = strawberry.UNSET
    id: strawberry.ID | None = strawberry.UNSET


@strawberry.input
class UploadInput:
    image: PictureInput
    prompt: str | None = None


@strawberry.type
class StoredFile:
    name: str
    size: int
    sha256: str
    picture: Picture


@strawberry.type
class Event:
    number: int
    picture: Picture


@strawberry.type
class Query:
    @strawberry.field
    def greeting(self, name: str) -> str:
        return f"Hello, {name}"

    @strawberry.field
    def viewer(self, info: Info[dict[str, Any], None]) -> str:
        return _signed_in(info.context["request"].headers.get("authorization"))

    @strawberry.field
    def gallery(self) -> list[Picture]:
        return [
            Picture(url="/media/gold.png"),
            Picture(url="/media/silver.png"),
            Picture(url="https://elsewhere.test/x"),
        ]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def sign_up(self, input: SignUpInput) -> SignUpPayload:
        assert "@" in input.email
        return SignUpPayload(session=Session(access_token=TOKEN, refresh_token="toy-refresh-token"))

    @strawberry.mutation
    async def upload_one(self, input: UploadInput) -> StoredFile:
        return await _stored(input.image.upload)

    @strawberry.mutation
    async def upload_many(self, photos: list[Upload]) -> list[StoredFile]:
        return [await _stored(photo) for photo in photos]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, info: Info[dict[str, Any], None], to: int) -> AsyncIterator[Event]:
        _signed_in(info.context["connection_params"].get("authorization"))
        toy: ToyServer = info.context["request"].app.state.toy
        toy.sockets.put_nowait(info.context["request"])
        for number in range(1, to + 1):
            await toy.steps.get()
            yield Event(number=number, picture=Picture(url=f"/media/{number}.png"))


def _signed_in(authorization: str | None) -> str:
    if authorization != f"Bearer {TOKEN}":
        raise GraphQLError("Sign in first.", extensions={"code": "UNAUTHENTICATED"})
    return "you"


async def _stored(upload: Any) -> StoredFile:
    content = await upload.read()
    await upload.close()
    digest = hashlib.sha256(content).hexdigest()
    return StoredFile(name=upload.filename, size=len(content), sha256=digest, picture=Picture(url="/media/new.png"))


class _View(GraphQL[dict[str, Any], None]):
    @override
    async def parse_multipart(self, request: AsyncHTTPRequestAdapter) -> dict[str, str]:
        if request.headers.get("graphql-require-preflight") != "true":
            raise HTTPException(400, "A multipart request needs the header GraphQL-Require-Preflight: true.")
        return await super().parse_multipart(request)

    @override
    async def render_graphql_ide(self, request: Request) -> Response:
        return explorer_page(request.app.state.dist, request.headers.get("host"))


async def _media(request: Request) -> Response:
    colour = "#" + hashlib.sha256(request.path_params["name"].encode()).hexdigest()[:6]
    content = BytesIO()
    Image.new("RGB", (96, 72), colour).save(content, "PNG")
    return Response(content.getvalue(), media_type="image/png")


@dataclass
class ToyServer:
    """The running server: `sockets` gets that of each subscription; each `step()` lets one send an event more."""

    address: str
    sockets: asyncio.Queue[WebSocket] = field(default_factory=asyncio.Queue[WebSocket])
    steps: asyncio.Queue[None] = field(default_factory=asyncio.Queue[None])

    def step(self) -> None:
        self.steps.put_nowait(None)


class _Uvicorn(uvicorn.Server):
    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield  # signals stay pytest's


@contextlib.asynccontextmanager
async def serve_toy(dist: Path) -> AsyncGenerator[ToyServer]:
    """Serve on a free port of this machine, in the running loop."""
    schema = strawberry.Schema(Query, Mutation, Subscription)
    view = _View(schema, multipart_uploads_enabled=True)
    routes = [Route("/media/{name}", _media), Mount("/graphql", view), *explorer_routes(dist)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = Starlette(routes=routes)
        app.state.dist = dist
        app.state.toy = ToyServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
        server = _Uvicorn(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listener]))
            yield app.state.toy
            server.should_exit = True
