"""The ASGI application."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.accounts.sessions import Client
from app.api.archive_files import archive_route
from app.api.context import Context
from app.api.diagnostics_page import diagnostics_routes
from app.api.explorer import explorer_page, explorer_routes
from app.api.headers import SecurityHeaders
from app.api.health import health_routes
from app.api.media import media_route
from app.api.reading import PREFLIGHT_HEADERS
from app.api.requests import RequestIds
from app.api.schema import show_result
from app.api.streams import Streams
from app.api.uploads import upload_route
from app.api.view import GraphQLView
from app.bootstrap.parts import Parts, assemble
from app.bootstrap.process import working
from app.bootstrap.settling import settle
from app.logs import configure_logs
from app.settings import Settings, load_settings

WEB_DIST: Final = Path(__file__).parent.parent / "web" / "dist"
_PREFLIGHT_MAX_AGE_S = 600
GRAPHQL_PATH: Final = "/graphql"
_PASSED: Final = "regen.passed"
"""In the scope of who was let in by all guards."""
_CLIENT_HEADERS = ("apollographql-client-name", "apollographql-client-version")

type Ping = Callable[[], Awaitable[bool]]
type Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def create_app() -> ASGIApp:
    """The application of the environment, for any ASGI server: `uvicorn --factory app.main:create_app`.

    Raises:
        SettingsError: a setting is wrong.
    """
    settings = load_settings()
    configure_logs(as_json=settings.app_env == "production", level=settings.log_level)
    parts = assemble(settings)
    pings: list[Ping] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with working(parts) as process:
            pings.append(process.connection.ping)
            settle()
            yield
            await process.drain()

    async def ping() -> bool:
        return bool(pings) and await pings[-1]()

    return build(parts, ping, lifespan)


def build(
    parts: Parts,
    ping: Ping,
    lifespan: Lifespan | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
    streams: Streams | None = None,
) -> ASGIApp:
    """The application of these parts; `ping` says whether the database answers, `streams` are those it has open."""
    make_context = _contexts(parts)
    view = _view(parts, make_context, Streams() if streams is None else streams)
    guards = [
        Middleware(TrustedHostMiddleware, allowed_hosts=list(parts.settings.allowed_hosts), www_redirect=False),
        *_cors(parts.settings),
    ]
    public = Starlette(
        routes=[
            Route("/", _home, methods=["GET"]),
            upload_route(make_context),
            Route(GRAPHQL_PATH, view),
            WebSocketRoute(GRAPHQL_PATH, view, name="graphql-sockets"),
            media_route(parts.store),
            archive_route(parts.services.archives),
            *explorer_routes(WEB_DIST),
            *diagnostics_routes(),
        ],
        middleware=guards,
    )
    checks = {"database": ping, "queue": parts.queue.alive}
    application = Starlette(routes=[*health_routes(checks), Mount("/", app=public)], lifespan=lifespan)
    only_https = (parts.settings.public_url or "").startswith("https://")
    rest = _with_notice(application, is_stopping)
    return RequestIds(SecurityHeaders(_straight(view, guards, rest), only_https=only_https))


def _straight(view: ASGIApp, guards: Sequence[Middleware], rest: ASGIApp) -> ASGIApp:
    """The application with a straight way to GraphQL: no routing, nothing around what is sent, the same guards."""
    guarded = view
    for one in reversed(guards):
        guarded = one.cls(guarded, *one.args, **one.kwargs)
    ways: dict[str, ASGIApp] = {"http": ServerErrorMiddleware(guarded), "websocket": _let_in(view, guards)}

    def answer(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        direct = ways.get(scope["type"]) if scope.get("path") == GRAPHQL_PATH else None
        return (direct or rest)(scope, receive, send)

    return answer


def _let_in(view: ASGIApp, guards: Sequence[Middleware]) -> ASGIApp:
    """The view for who was let in by the guards, none of which stays, with the headers that it read, while it lasts."""

    async def passed(scope: Scope, _: Receive, __: Send) -> None:
        scope[_PASSED] = True

    guarded: ASGIApp = passed
    for one in reversed(guards):
        guarded = one.cls(guarded, *one.args, **one.kwargs)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await guarded(scope, receive, send)
        if scope.pop(_PASSED, False):
            await view(scope, receive, send)

    return answer


def _with_notice(application: ASGIApp, is_stopping: Callable[[], bool]) -> ASGIApp:
    """The application; once it stops it is not ready, so that load balancers go elsewhere while it still answers."""
    notice = JSONResponse({"status": "stopping"}, 503)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        gives_notice = scope["type"] == "http" and scope["path"] == "/readyz" and is_stopping()
        await (notice if gives_notice else application)(scope, receive, send)

    return answer


def _contexts(parts: Parts) -> Callable[[HTTPConnection], Context]:
    settings = parts.settings

    def make_context(request: HTTPConnection) -> Context:
        return Context(
            services=parts.services,
            request_id=request.scope["request_id"],
            base_url=settings.public_url or _base_url(request.scope["scheme"], request.headers.get("host", "")),
            show_result=show_result,
            client=Client(request.client.host if request.client else None, request.headers.get("user-agent")),
            edge=parts.edge,
        )

    return make_context


def _view(parts: Parts, make_context: Callable[[HTTPConnection], Context], streams: Streams) -> GraphQLView:
    settings = parts.settings

    async def explore(request: Request) -> Response:
        return explorer_page(WEB_DIST, request.headers.get("host"))

    return GraphQLView(
        make_context,
        explore if settings.explorer else None,
        settings.allowed_origins,
        parts.services.imports.caps.max_bytes,
        streams,
        parts.edge.documents,
    )


async def _home(_: Request) -> Response:
    return RedirectResponse(GRAPHQL_PATH)


@lru_cache(256)
def _base_url(scheme: str, host: str) -> str:
    """The address that a client came by; `host` is the header."""
    shown = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    return f"{shown}://{urlsplit(f'{shown}://{host}/').netloc}"


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-request-id", *PREFLIGHT_HEADERS, *_CLIENT_HEADERS],
            expose_headers=["x-request-id", "retry-after"],
            max_age=_PREFLIGHT_MAX_AGE_S,
        )
    ]
