from collections.abc import Mapping

import httpx2
import pytest
from starlette.applications import Starlette

from app.api.health import Check, health_routes


def _says(*, fine: bool) -> Check:
    async def check() -> bool:
        return fine

    return check


@pytest.mark.parametrize(
    ("database", "queue", "code", "answer"),
    [
        (True, True, 200, {"status": "ok", "database": "ok", "queue": "ok"}),
        (True, False, 200, {"status": "degraded", "database": "ok", "queue": "unavailable"}),
        (False, True, 503, {"status": "unavailable", "database": "unavailable", "queue": "ok"}),
        (False, False, 503, {"status": "unavailable", "database": "unavailable", "queue": "unavailable"}),
    ],
)
async def test_only_a_missing_database_makes_the_server_unready(
    *, database: bool, queue: bool, code: int, answer: Mapping[str, str]
) -> None:
    app = Starlette(routes=health_routes({"database": _says(fine=database), "queue": _says(fine=queue)}))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://regen.test") as http:
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()) == (code, answer)
        assert (await http.get("/healthz")).json() == {"status": "ok"}
