"""Whether this process lives, and whether it can work."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

type Check = Callable[[], Awaitable[bool]]


def health_routes(checks: Mapping[str, Check]) -> list[Route]:
    """`/healthz` answers as long as the process does, `/readyz` with 503 while one of `checks` is false."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        found = {name: await check() for name, check in checks.items()}
        ready = all(found.values())
        state = {name: "ok" if fine else "unavailable" for name, fine in found.items()}
        return JSONResponse({"status": "ok" if ready else "unavailable", **state}, 200 if ready else 503)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
