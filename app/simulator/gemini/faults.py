"""Google's errors; see https://cloud.google.com/apis/design/errors."""

from typing import Any

from app.simulator.answer import Answer, json
from app.simulator.scenario import Scenario

_RPC = "type.googleapis.com/google.rpc."
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel"
_PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> Answer:
    """An error as all of Gemini's endpoints tell it."""
    return json(code, {"error": {"code": code, "message": message, "status": status, "details": list(details)}})


def bad_request(message: str) -> Answer:
    """400."""
    return error(400, "INVALID_ARGUMENT", message)


def no_key() -> Answer:
    """403: nobody said who asks."""
    return error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")


def model_gone(model: str | None) -> Answer:
    """404."""
    return error(404, "NOT_FOUND", f"models/{model} is not found for API version v1beta.")


def fault(scenario: Scenario, model: str | None) -> Answer | None:
    """The error that a scenario is, null when it is another kind of answer."""
    return model_gone(model) if scenario is Scenario.MODEL_GONE else _FAULTS.get(scenario)


def _over_limit(quota: str, *more: dict[str, Any]) -> Answer:
    violation = {"quotaMetric": "generativelanguage.googleapis.com/generate_requests", "quotaId": quota}
    failure = {"@type": f"{_RPC}QuotaFailure", "violations": [violation]}
    return error(429, "RESOURCE_EXHAUSTED", _QUOTA, failure, *more)


_FAULTS = {
    Scenario.REJECTED_KEY: error(
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        {"@type": f"{_RPC}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"},
    ),
    Scenario.RATE_LIMITED: _over_limit(_PER_MINUTE),
    Scenario.RATE_LIMITED_RETRY_AFTER: _over_limit(_PER_MINUTE, {"@type": f"{_RPC}RetryInfo", "retryDelay": "1s"}),
    Scenario.EMPTY_QUOTA: _over_limit(_PER_DAY),
    Scenario.FAILING: error(500, "INTERNAL", "An internal error has occurred."),
    Scenario.UNAVAILABLE: error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
}
