"""The explorer: GraphiQL's page for a browser that opens `/graphql`, and the built files that it loads."""

import re
from pathlib import Path
from typing import override

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_HASHED_NAME = re.compile(r"-[A-Z0-9]{8}\.\w+$")
_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9A-Fa-f:]+\](:\d+)?")
_NOT_BUILT = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Regen</title></head>
  <body style="font: 1rem/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 40rem">
    <h1>The explorer is not built yet</h1>
    <p><code>make run</code> builds it; so does <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>.</p>
    <p>The GraphQL API itself answers <code>POST</code> requests at this address.</p>
  </body>
</html>
"""


def explorer_routes(dist: Path) -> list[BaseRoute]:
    """Routes for the files under `/explorer/`; what isn't built is not found. `dist` is `web/dist`."""
    return [Mount("/explorer", app=_BuiltFiles(directory=dist / "explorer", check_dir=False), name="explorer")]


def explorer_page(dist: Path, host: str | None = None) -> HTMLResponse:
    """Answer a browser's GET of `/graphql`: the built page, or with status 503 one that says how to build it.

    `host` is the request's Host header; browsers that don't count a WebSocket as `'self'` need it in the policy.
    """
    page = dist / "explorer.html"
    built = page.is_file()
    return HTMLResponse(
        page.read_text(encoding="utf-8") if built else _NOT_BUILT,
        status_code=200 if built else 503,
        headers={
            "Cache-Control": "no-cache",
            "Content-Security-Policy": _policy(host),
            "Referrer-Policy": "same-origin",
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
        },
    )


def socket_sources(host: str | None) -> str:
    """This server's WebSockets as sources of a policy, for browsers that don't count them as `'self'`."""
    return f" ws://{host} wss://{host}" if host and _HOST.fullmatch(host) else ""


def _policy(host: str | None) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self' 'unsafe-inline'",  # Monaco writes its themes and positions as inline styles
            "img-src 'self' data: blob: https:",  # pictures of an outside store, previews of chosen files
            "font-src 'self' data:",
            f"connect-src 'self'{socket_sources(host)}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ),
    )


class _BuiltFiles(StaticFiles):
    """The bundler's files: packed if the browser takes that, kept for a year where the name carries a hash."""

    @override
    async def check_config(self) -> None:
        """Let a folder be absent: it may be built while the server runs."""

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await self._packed(path, scope) or await super().get_response(path, scope)
        hashed = _HASHED_NAME.search(path)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    async def _packed(self, path: str, scope: Scope) -> Response | None:
        accepted = dict(scope["headers"]).get(b"accept-encoding", b"")
        if b"gzip" not in accepted:
            return None
        try:
            response = await super().get_response(f"{path}.gz", scope)
        except HTTPException:
            return None
        response.headers["Content-Encoding"] = "gzip"
        return response
