"""What the products ask of a model that writes."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from pydantic import BaseModel

from app.costs.usage import Usage
from app.providers.ports.model import Model, Source, Stage


@dataclass(frozen=True, slots=True)
class TextRequest[Shape: BaseModel]:
    """One answer of a given shape.

    `instructions` are ours; `text` is the user's, and travels as data: nothing in it is an instruction. `shape` is
    what the answer is parsed as. `model` is the one of that provider to ask, null for the one that is set up.
    `end_user` is an opaque name of who asks, for a provider that looks for abuse.
    """

    instructions: str
    text: str = field(repr=False)
    shape: type[Shape]
    model: str | None = None
    end_user: str | None = None


@dataclass(frozen=True, slots=True)
class TextPiece:
    """The next piece of the answer's text as the model writes it: a part of a JSON document."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StructuredAnswer[Shape: BaseModel]:
    """The whole answer, and who made it; `note` is for people: what this answer is not."""

    value: Shape = field(repr=False)
    source: Source
    model: str
    usage: Usage = field(default_factory=lambda: MappingProxyType({}))
    provider_request_id: str | None = None
    note: str | None = None


class TextModel(Model, Protocol):
    """Writes one answer of a given shape."""

    def expected_usage[Shape: BaseModel](self, request: TextRequest[Shape]) -> Usage:
        """A cautious guess of what the request will use, before it is made; empty when it costs nothing."""
        ...

    def structured[Shape: BaseModel](
        self, request: TextRequest[Shape]
    ) -> AsyncGenerator[Stage | TextPiece | StructuredAnswer[Shape]]:
        """Yield a stage once the work begins, pieces if it has any, then exactly one answer, then stop.

        Closing the iterator cancels the work.

        Raises:
            AppError: CONTENT_BLOCKED for a refusal; retryable INVALID_ANSWER when the answer was cut off or has
                another shape; else as every provider's call.
        """
        ...
