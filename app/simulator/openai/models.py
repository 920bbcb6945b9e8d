"""GET /v1/models and /v1/models/{id}."""

from typing import Any

from starlette.requests import Request

from app.simulator.answer import Answer, json
from app.simulator.call import Asked
from app.simulator.openai.faults import fault, model_gone
from app.simulator.openai.request import key_of
from app.simulator.scenario import Scenario

_CREATED = 1_780_000_000
_SHUTDOWN_DATES = {
    "gpt-image-2.6-flare": None,
    "gpt-image-2.6-sunburst": None,
    "gpt-6-luna": None,
    "gpt-4o-mini": "2027-01-14",
}


async def read_models(request: Request) -> Asked:
    """A list when no model is named.

    Raises:
        RefusedError: no key came.
    """
    return Asked(key=key_of(request), model=request.path_params.get("model"))


def answer_models(asked: Asked, scenario: Scenario) -> Answer:
    """The answer of a scenario; a model of another name does not exist."""
    if answer := fault(scenario, asked.model):
        return answer
    if scenario is Scenario.WRONG_SHAPE:
        return json(200, {"object": 3, "data": "none", "id": [], "created": "today"})
    if asked.model is None:
        names = () if scenario is Scenario.EMPTY_CANDIDATES else tuple(_SHUTDOWN_DATES)
        return json(200, {"object": "list", "data": [_shown(name) for name in names]})
    if asked.model not in _SHUTDOWN_DATES:
        return model_gone(asked.model)
    return json(200, {} if scenario is Scenario.EMPTY_CANDIDATES else _shown(asked.model))


def _shown(name: str) -> dict[str, Any]:
    told = {"id": name, "object": "model", "created": _CREATED, "owned_by": "simulator"}
    return told | {"shutdown_date": _SHUTDOWN_DATES[name]}
