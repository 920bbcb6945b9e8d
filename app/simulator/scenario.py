"""What can go wrong, and what that means for each operation."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

_KEY_PREFIX: Final = "sim-"


class Provider(StrEnum):
    """Who is simulated."""

    OPENAI = "openai"
    GEMINI = "gemini"
    CLOUDINARY = "cloudinary"


class Operation(StrEnum):
    """What is asked of a provider, as the list of what came names it."""

    OPENAI_GENERATE = "openai-generate"
    OPENAI_EDIT = "openai-edit"
    OPENAI_RESPONSE = "openai-response"
    OPENAI_MODELS = "openai-models"
    GEMINI_GENERATE = "gemini-generate"
    GEMINI_MODELS = "gemini-models"
    CLOUDINARY_UPLOAD = "cloudinary-upload"
    CLOUDINARY_DESTROY = "cloudinary-destroy"
    CLOUDINARY_DELIVERY = "cloudinary-delivery"
    CLOUDINARY_PING = "cloudinary-ping"

    @property
    def provider(self) -> Provider:
        """Whose operation it is."""
        return Provider(self.value.partition("-")[0])


class Scenario(StrEnum):
    """How a call ends; `sim-` and one of these is an API key that asks for it."""

    FINE = "fine"
    REJECTED_KEY = "rejected-key"
    RATE_LIMITED = "rate-limited"
    RATE_LIMITED_RETRY_AFTER = "rate-limited-retry-after"
    EMPTY_QUOTA = "empty-quota"
    MODEL_GONE = "model-gone"
    FAILING = "failing"
    UNAVAILABLE = "unavailable"
    MODERATION = "moderation"
    BLOCKED_PROMPT = "blocked-prompt"
    IMAGE_SAFETY = "image-safety"
    REFUSAL = "refusal"
    ECHO_REFUSAL = "echo-refusal"
    NO_IMAGE = "no-image"
    EMPTY_CANDIDATES = "empty-candidates"
    TEXT_ONLY = "text-only"
    ECHO = "echo"
    WRONG_SHAPE = "wrong-shape"
    WRONG_BASE64 = "wrong-base64"
    BROKEN_JSON = "broken-json"
    TRUNCATED = "truncated"
    HUGE = "huge"
    TOO_HUGE = "too-huge"
    SLOW = "slow"
    TRICKLE = "trickle"
    CUT_STREAM = "cut-stream"
    SILENT_CLOSE = "silent-close"


OF_THE_CONNECTION: Final = frozenset(
    {Scenario.SLOW, Scenario.TRICKLE, Scenario.CUT_STREAM, Scenario.SILENT_CLOSE, Scenario.BROKEN_JSON}
)
"""Those that spoil a good answer on its way; the others are other answers."""

_PICTURES_OF_OPENAI = {
    Scenario.BLOCKED_PROMPT: Scenario.MODERATION,
    Scenario.IMAGE_SAFETY: Scenario.MODERATION,
    Scenario.REFUSAL: Scenario.MODERATION,
    Scenario.ECHO_REFUSAL: Scenario.MODERATION,
    Scenario.NO_IMAGE: Scenario.EMPTY_CANDIDATES,
    Scenario.TEXT_ONLY: Scenario.EMPTY_CANDIDATES,
    Scenario.ECHO: Scenario.FINE,
}
_TEXT = {
    Scenario.IMAGE_SAFETY: Scenario.REFUSAL,
    Scenario.NO_IMAGE: Scenario.EMPTY_CANDIDATES,
    Scenario.TEXT_ONLY: Scenario.FINE,
    Scenario.WRONG_BASE64: Scenario.BROKEN_JSON,
}
_PICTURES_OF_GEMINI = {
    Scenario.MODERATION: Scenario.BLOCKED_PROMPT,
    Scenario.REFUSAL: Scenario.IMAGE_SAFETY,
    Scenario.ECHO_REFUSAL: Scenario.IMAGE_SAFETY,
    Scenario.ECHO: Scenario.FINE,
}
_NOTHING_TO_REFUSE = {
    Scenario.MODERATION: Scenario.FINE,
    Scenario.BLOCKED_PROMPT: Scenario.FINE,
    Scenario.IMAGE_SAFETY: Scenario.FINE,
    Scenario.REFUSAL: Scenario.FINE,
    Scenario.ECHO_REFUSAL: Scenario.FINE,
    Scenario.NO_IMAGE: Scenario.EMPTY_CANDIDATES,
    Scenario.TEXT_ONLY: Scenario.FINE,
    Scenario.ECHO: Scenario.FINE,
    Scenario.WRONG_BASE64: Scenario.BROKEN_JSON,
    Scenario.TRUNCATED: Scenario.BROKEN_JSON,
    Scenario.HUGE: Scenario.FINE,
    Scenario.TOO_HUGE: Scenario.FINE,
}
_UPLOAD = _NOTHING_TO_REFUSE | {
    Scenario.MODERATION: Scenario.MODERATION,
    Scenario.BLOCKED_PROMPT: Scenario.MODERATION,
    Scenario.IMAGE_SAFETY: Scenario.MODERATION,
    Scenario.REFUSAL: Scenario.MODERATION,
    Scenario.ECHO_REFUSAL: Scenario.MODERATION,
}
_DELIVERY = {
    Scenario.MODERATION: Scenario.FINE,
    Scenario.BLOCKED_PROMPT: Scenario.FINE,
    Scenario.IMAGE_SAFETY: Scenario.FINE,
    Scenario.REFUSAL: Scenario.FINE,
    Scenario.ECHO_REFUSAL: Scenario.FINE,
    Scenario.NO_IMAGE: Scenario.EMPTY_CANDIDATES,
    Scenario.ECHO: Scenario.FINE,
    Scenario.WRONG_SHAPE: Scenario.TEXT_ONLY,
    Scenario.WRONG_BASE64: Scenario.TEXT_ONLY,
    Scenario.BROKEN_JSON: Scenario.TRUNCATED,
}
_NEAREST: Mapping[Operation, Mapping[Scenario, Scenario]] = MappingProxyType(
    {
        Operation.OPENAI_GENERATE: _PICTURES_OF_OPENAI,
        Operation.OPENAI_EDIT: _PICTURES_OF_OPENAI,
        Operation.OPENAI_RESPONSE: _TEXT,
        Operation.OPENAI_MODELS: _NOTHING_TO_REFUSE,
        Operation.GEMINI_GENERATE: _PICTURES_OF_GEMINI,
        Operation.GEMINI_MODELS: _NOTHING_TO_REFUSE,
        Operation.CLOUDINARY_UPLOAD: _UPLOAD,
        Operation.CLOUDINARY_DESTROY: _NOTHING_TO_REFUSE,
        Operation.CLOUDINARY_DELIVERY: _DELIVERY,
        Operation.CLOUDINARY_PING: _NOTHING_TO_REFUSE,
    }
)


def nearest(scenario: Scenario, operation: Operation) -> Scenario:
    """What the operation makes of a scenario: itself, or the nearest one that makes sense there."""
    return _NEAREST[operation].get(scenario, scenario)


def asked_by_key(key: str) -> Scenario:
    """The scenario that an API key asks for; any other key: fine."""
    name = key.removeprefix(_KEY_PREFIX)
    return Scenario(name) if key.startswith(_KEY_PREFIX) and name in Scenario else Scenario.FINE
