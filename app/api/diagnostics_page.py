"""The page `/diagnostics`: rendered here with the tests that there are; its script asks the API and fills it."""

from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from app.api.explorer import socket_sources
from app.diagnostics.suites import PROBES, Probe, Suite

_PAGES: Final = Path(__file__).parent / "pages"
_FILES: Final = {"page.js": "text/javascript", "page.css": "text/css"}
_TITLES: Final = {Suite.PROVIDERS: "Providers", Suite.FULL_FLOW: "Full flow"}
_ABOUT: Final = {
    Suite.PROVIDERS: "Each model that is set up is asked once, as it is. A run costs what the models cost.",
    Suite.FULL_FLOW: "What people do, the way they do it. A run costs what the models cost.",
}


def diagnostics_routes() -> list[BaseRoute]:
    """The page, and the script and the style that it loads."""
    files = [Route(f"/diagnostics/{name}", _file(name), methods=["GET"]) for name in _FILES]
    return [Route("/diagnostics", _page, methods=["GET"]), *files]


async def _page(request: Request) -> Response:
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _policy(request.headers.get("host")),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(page_text(), headers=headers)


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return FileResponse(_PAGES / f"diagnostics.{name.partition('.')[2]}", media_type=_FILES[name], headers=headers)

    return answer


def page_text() -> str:
    """The whole page, with a card for each test and nobody's data."""
    template = Template((_PAGES / "diagnostics.html").read_text(encoding="utf-8"))
    return template.substitute(
        choices="\n".join(_choice(suite) for suite in Suite), suites="\n".join(_suite(suite) for suite in Suite)
    )


def _choice(suite: Suite) -> str:
    checked = " checked" if suite is Suite.PROVIDERS else ""
    return (
        f'<label><input type="radio" name="suite" value="{suite}"{checked}>'
        f"<span>{escape(_TITLES[suite])}</span></label>"
    )


def _suite(suite: Suite) -> str:
    hidden = "" if suite is Suite.PROVIDERS else " hidden"
    cards = "\n".join(_card(probe) for probe in PROBES[suite])
    title, about = escape(_TITLES[suite]), escape(_ABOUT[suite])
    return (
        f'<section class="suite" data-suite="{suite}" aria-label="{title}"{hidden}>'
        f'<p class="about">{about}</p><ol class="tests">{cards}</ol></section>'
    )


def _card(probe: Probe) -> str:
    return (
        f'<li class="test" data-test="{escape(probe.name)}" data-status="NONE">'
        f'<header><h2>{escape(probe.title)}</h2><span class="took"></span>'
        '<span class="badge">Not run</span></header>'
        f'<p class="about">{escape(probe.about)}</p><p class="message" hidden></p>'
        '<div class="pictures" hidden></div>'
        '<details class="request" hidden><summary>Request</summary><div class="json"></div></details>'
        '<details class="response" hidden><summary>Response</summary><div class="json"></div></details></li>'
    )


def _policy(host: str | None) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: https:",  # pictures of an outside store; the favicon is in the page
            f"connect-src 'self'{socket_sources(host)}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ),
    )
