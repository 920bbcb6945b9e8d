"""OpenAI's errors."""

from app.simulator.answer import Answer, json
from app.simulator.scenario import Scenario

_BILLING = "You exceeded your current quota, please check your plan and billing details."


def error(status: int, message: str, type: str, code: str | None = None, param: str | None = None) -> Answer:
    """An error as all of OpenAI's endpoints tell it."""
    return json(status, {"error": {"message": message, "type": type, "param": param, "code": code}})


def bad_request(message: str, code: str | None = None, param: str | None = None) -> Answer:
    """400."""
    return error(400, message, "invalid_request_error", code, param)


def no_key() -> Answer:
    """401: nobody said who asks."""
    return error(401, "You didn't provide an API key.", "invalid_request_error", "missing_api_key")


def moderated() -> Answer:
    """400: the picture's prompt or the picture itself is refused."""
    message = "Your request was rejected by the safety system. safety_violations=[violence]."
    return error(400, message, "image_generation_user_error", "moderation_blocked")


def prompt_refused() -> Answer:
    """400: a text model's prompt is refused."""
    return bad_request("Invalid prompt: it was flagged as potentially violating our usage policy.", "invalid_prompt")


def model_gone(model: str | None) -> Answer:
    """404."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return error(404, message, "invalid_request_error", "model_not_found", "model")


def fault(scenario: Scenario, model: str | None) -> Answer | None:
    """The error that a scenario is, null when it is another kind of answer."""
    return model_gone(model) if scenario is Scenario.MODEL_GONE else _FAULTS.get(scenario)


_LIMITED = error(429, "Rate limit reached for requests per min: Limit 5, Used 5.", "requests", "rate_limit_exceeded")
_FAULTS = {
    Scenario.REJECTED_KEY: error(
        401, "Incorrect API key provided: sim-****-key.", "invalid_request_error", "invalid_api_key"
    ),
    Scenario.RATE_LIMITED: _LIMITED,
    Scenario.RATE_LIMITED_RETRY_AFTER: _LIMITED.headed(retry_after="1", retry_after_ms="1000"),
    Scenario.EMPTY_QUOTA: error(429, _BILLING, "insufficient_quota", "insufficient_quota"),
    Scenario.FAILING: error(500, "The server had an error while processing your request.", "server_error"),
    Scenario.UNAVAILABLE: error(503, "That model is currently overloaded.", "service_unavailable", "server_overloaded"),
}
