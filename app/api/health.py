"""Whether this process lives, and whether it can work."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

type Check = Callable[[], Awaitable[bool]]

_NEEDED = frozenset({"database"})
"""Without the others requests are still answered, and work is still accepted: it is done later."""


def health_routes(checks: Mapping[str, Check]) -> list[Route]:
    """`/healthz` answers as long as the process does, `/readyz` says which of `checks` hold.

    `/readyz` answers 503 with the status `unavailable` while the database is away, 200 with `degraded` while
    only something else is.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        found = {name: await check() for name, check in checks.items()}
        state = {name: "ok" if fine else "unavailable" for name, fine in found.items()}
        if all(found.values()):
            return JSONResponse({"status": "ok", **state})
        ready = all(fine for name, fine in found.items() if name in _NEEDED)
        return JSONResponse({"status": "degraded" if ready else "unavailable", **state}, 200 if ready else 503)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
