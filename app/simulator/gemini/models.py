"""GET /v1beta/models and /v1beta/models/{id}."""

from typing import Any

from app.simulator.answer import Answer, json
from app.simulator.call import Asked
from app.simulator.gemini.faults import fault, model_gone
from app.simulator.scenario import Scenario

_MODELS = ("gemini-3.1-flash-image", "gemini-3-pro-image", "gemini-2.5-flash-image")


def answer_models(asked: Asked, scenario: Scenario) -> Answer:
    """The answer of a scenario; a model of another name does not exist."""
    if answer := fault(scenario, asked.model):
        return answer
    if scenario is Scenario.WRONG_SHAPE:
        return json(200, {"models": "none", "name": 3, "inputTokenLimit": "many"})
    if asked.model is None:
        names = () if scenario is Scenario.EMPTY_CANDIDATES else _MODELS
        return json(200, {"models": [_shown(name) for name in names]})
    if asked.model not in _MODELS:
        return model_gone(asked.model)
    return json(200, {} if scenario is Scenario.EMPTY_CANDIDATES else _shown(asked.model))


def _shown(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "version": "1",
        "displayName": name,
        "description": "Simulated.",
        "inputTokenLimit": 65_536,
        "outputTokenLimit": 32_768,
        "supportedGenerationMethods": ["generateContent"],
    }
