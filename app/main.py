"""The ASGI application."""

import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp

from app.accounts.sessions import Client
from app.api.context import Context
from app.api.explorer import explorer_page, explorer_routes
from app.api.health import health_routes
from app.api.loaders import make_loaders
from app.api.media import media_route
from app.api.requests import RequestIds
from app.api.schema import show_result
from app.api.view import GraphQLView
from app.bootstrap import Parts, assemble, working
from app.logs import configure_logs
from app.settings import Settings, load_settings

WEB_DIST: Final = Path(__file__).parent.parent / "web" / "dist"
_PREFLIGHT_MAX_AGE_S = 600


def create_app() -> ASGIApp:
    """The application of the environment, for any ASGI server: `uvicorn --factory app.main:create_app`.

    Raises:
        SettingsError: a setting is wrong.
    """
    settings = load_settings()
    configure_logs(as_json=settings.app_env == "production", level=settings.log_level)
    return build(assemble(settings))


def build(parts: Parts, on_ready: Callable[[], None] = lambda: None) -> ASGIApp:
    """The application of these parts; `on_ready` is called when it is about to serve."""
    settings = parts.settings
    pings: list[Callable[[], Awaitable[bool]]] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with working(parts) as connection:
            pings.append(connection.ping)
            _settle_garbage_collector()
            on_ready()
            yield

    async def database_answers() -> bool:
        return bool(pings) and await pings[-1]()

    public = Starlette(
        routes=[*_graphql_routes(parts), media_route(parts.store), *explorer_routes(WEB_DIST)],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts), www_redirect=False),
            *_cors(settings),
        ],
    )
    checks = {"database": database_answers, "queue": parts.queue.alive}
    app = Starlette(routes=[*health_routes(checks), Mount("/", app=public)], lifespan=lifespan)
    return RequestIds(app)


def _graphql_routes(parts: Parts) -> list[Route | WebSocketRoute]:
    settings = parts.settings

    def make_context(request: HTTPConnection) -> Context:
        return Context(
            services=parts.services,
            loaders=make_loaders(),
            request_id=request.scope["request_id"],
            base_url=settings.public_url or _base_url(request),
            show_result=show_result,
            client=Client(request.client.host if request.client else None, request.headers.get("user-agent")),
        )

    async def explore(request: Request) -> Response:
        return explorer_page(WEB_DIST, request.headers.get("host"))

    async def home(_: Request) -> Response:
        return RedirectResponse("/graphql")

    view = GraphQLView(make_context, explore if settings.explorer else None, settings.allowed_origins)
    return [
        Route("/", home, methods=["GET"]),
        Route("/graphql", view),
        WebSocketRoute("/graphql", view, name="graphql-sockets"),
    ]


def _base_url(request: HTTPConnection) -> str:
    scheme = {"ws": "http", "wss": "https"}.get(request.url.scheme, request.url.scheme)
    return f"{scheme}://{request.url.netloc}"


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "graphql-require-preflight", "x-request-id"],
            expose_headers=["x-request-id"],
            max_age=_PREFLIGHT_MAX_AGE_S,
        )
    ]


def _settle_garbage_collector() -> None:
    """Keep what start-up made out of every later collection, and collect less often: pauses reach subscribers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
