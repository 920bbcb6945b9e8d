"""What the products ask of a model that looks at pictures."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from app.costs.usage import Usage
from app.providers.ports.model import Model, Reference, Source


@dataclass(frozen=True, slots=True)
class VisionRequest:
    """What is to be said about pictures.

    `instructions` say what is of interest, `pictures` are one or more, in order. `model` is the one of that
    provider to ask, null for the one that is set up. `end_user` is an opaque name of who asks, for a provider that
    looks for abuse.
    """

    instructions: str = field(repr=False)
    pictures: tuple[Reference, ...]
    model: str | None = None
    end_user: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What was said, in one paragraph, and who said it."""

    text: str = field(repr=False)
    source: Source
    model: str
    usage: Usage = field(default_factory=lambda: MappingProxyType({}))
    provider_request_id: str | None = None


class VisionModel(Model, Protocol):
    """Says what is on pictures."""

    def expected_usage(self, request: VisionRequest) -> Usage:
        """A cautious guess of what the request will use, before it is made; empty when it costs nothing."""
        ...

    async def describe(self, request: VisionRequest) -> Description:
        """Say what is on the pictures. A cancelled call ends its connection.

        Raises:
            AppError: CONTENT_BLOCKED for a refusal; retryable INVALID_ANSWER for an answer without words;
                SOURCE_IMAGE_MISSING without a readable picture; else as every provider's call.
        """
        ...
