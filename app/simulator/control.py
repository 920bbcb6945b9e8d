"""Steering over HTTP what a test in this process steers by methods."""

from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.simulator.desk import Desk
from app.simulator.scenario import Provider, Scenario


class Told(BaseModel):
    """How calls end: the next `times`, or all from now on when it is null; a null scenario is the key's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Provider
    scenario: Scenario | None
    times: int | None = Field(None, ge=1, le=10_000)


class Hold(BaseModel):
    """Stop calls after so many pieces of their answers; 0: before the first byte."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: int = Field(0, ge=0)


@dataclass(frozen=True, slots=True)
class Control:
    """The control endpoint."""

    desk: Desk

    def routes(self) -> list[Route]:
        """Its paths."""
        posts = {
            "/control": self.tell,
            "/control/hold": self.hold,
            "/control/release": self.release,
            "/control/reset": self.reset,
        }
        told = [Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()]
        return [*told, Route("/control/seen", self.seen, methods=["GET"])]

    async def tell(self, request: Request) -> Response:
        """POST /control: a scenario for a provider's next calls, or for all of them."""
        try:
            told = Told.model_validate_json(await request.body())
        except ValidationError as error:
            return _wrong(error)
        if told.times is None:
            self.desk.always(told.provider, told.scenario)
        else:
            self.desk.then(told.provider, *[told.scenario or Scenario.FINE] * told.times)
        return Response(status_code=204)

    async def hold(self, request: Request) -> Response:
        """POST /control/hold: stop calls in the middle."""
        try:
            hold = Hold.model_validate_json(await request.body() or b"{}")
        except ValidationError as error:
            return _wrong(error)
        self.desk.hold(hold.after)
        return Response(status_code=204)

    async def release(self, _: Request) -> Response:
        """POST /control/release: let them go on."""
        self.desk.release()
        return Response(status_code=204)

    async def reset(self, _: Request) -> Response:
        """POST /control/reset: forget all."""
        self.desk.reset()
        return Response(status_code=204)

    async def seen(self, _: Request) -> Response:
        """GET /control/seen: what came, and what became of it."""
        desk = self.desk
        return _json(
            {
                "inFlight": desk.in_flight,
                "mostInFlight": desk.most_in_flight,
                "answered": list(desk.answered),
                "disconnected": list(desk.disconnected),
                "calls": [call.shown() for call in desk.calls],
            }
        )


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _wrong(error: ValidationError) -> Response:
    """400, saying what is wrong with which field."""
    faults = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
    return _json({"errors": faults}, 400)
