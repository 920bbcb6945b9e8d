"""Cloudinary's errors."""

from app.simulator.answer import Answer, json
from app.simulator.scenario import Scenario


def error(status: int, message: str) -> Answer:
    """An error as all of Cloudinary's endpoints tell it; deliveries tell it in the header."""
    return json(status, {"error": {"message": message}}).headed(x_cld_error=message)


def bad_request(message: str) -> Answer:
    """400."""
    return error(400, message)


_FAULTS = {
    Scenario.REJECTED_KEY: error(401, "Invalid api_key"),
    Scenario.RATE_LIMITED: error(420, "Rate Limit Exceeded. Limit of 500 api operations reached."),
    Scenario.RATE_LIMITED_RETRY_AFTER: error(429, "Too many concurrent requests.").headed(retry_after="1"),
    Scenario.EMPTY_QUOTA: error(401, "cloud_name is disabled"),
    Scenario.MODEL_GONE: error(404, "Resource not found"),
    Scenario.FAILING: error(500, "General Error"),
    Scenario.UNAVAILABLE: error(503, "Service unavailable"),
    Scenario.MODERATION: error(400, "Upload rejected by moderation."),
}


def fault(scenario: Scenario) -> Answer | None:
    """The error that a scenario is, null when it is another kind of answer."""
    return _FAULTS.get(scenario)
