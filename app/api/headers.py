"""What every answer tells browsers not to do with it."""

from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_YEAR_S = 31_536_000
_ANSWERS = frozenset({"http.response.start", "websocket.http.response.start"})
_NO_FRAMES = "frame-ancestors 'none'"


_USUAL = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", f"default-src 'none'; {_NO_FRAMES}".encode()),
)
_USUAL_OF_HTTPS = (*_USUAL, (b"strict-transport-security", f"max-age={_YEAR_S}".encode()))
"""Of an answer that says nothing about these things itself."""
_SILENT = frozenset({b"content-length", b"content-type", b"x-request-id", b"vary", b"retry-after", b"www-authenticate"})
"""Headers that say nothing about them."""


@dataclass(frozen=True, slots=True)
class SecurityHeaders:
    """Middleware: no guessed types, no addresses given away, no frames; `only_https` keeps browsers to it for a year.

    What an answer says for itself stays; that nobody may frame it is added to its policy.
    """

    app: ASGIApp
    only_https: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        usual = _USUAL_OF_HTTPS if self.only_https else _USUAL

        async def answer(message: Message) -> None:
            if message["type"] in _ANSWERS:
                said = message.get("headers", ())
                if all(name in _SILENT for name, _ in said):
                    message["headers"] = [*said, *usual]
                else:
                    self._complete(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, answer)

    def _complete(self, headers: MutableHeaders) -> None:
        headers["x-content-type-options"] = "nosniff"
        headers.setdefault("referrer-policy", "no-referrer")
        policy = headers.setdefault("content-security-policy", f"default-src 'none'; {_NO_FRAMES}")
        if "frame-ancestors" not in policy:
            headers["content-security-policy"] = f"{policy}; {_NO_FRAMES}"
        if self.only_https:
            headers.setdefault("strict-transport-security", f"max-age={_YEAR_S}")
