"""What every answer tells browsers not to do with it."""

from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_YEAR_S = 31_536_000
_ANSWERS = frozenset({"http.response.start", "websocket.http.response.start"})
_NO_FRAMES = "frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class SecurityHeaders:
    """Middleware: no guessed types, no addresses given away, no frames; `only_https` keeps browsers to it for a year.

    What an answer says for itself stays; that nobody may frame it is added to its policy.
    """

    app: ASGIApp
    only_https: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""

        async def answer(message: Message) -> None:
            if message["type"] in _ANSWERS:
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
