"""What models of every kind have in common."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol


class Source(StrEnum):
    """Who really made a result: a provider's model, basic processing on this machine, or a placeholder."""

    PROVIDER = "PROVIDER"
    LOCAL = "LOCAL"
    MOCK = "MOCK"


@dataclass(frozen=True, slots=True)
class Reference:
    """One input picture: encoded bytes and their media type (`image/jpeg`, ...)."""

    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The model's work has come to a named stage; `percent` (0 to 100) is of the model's own part."""

    name: str
    percent: int


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a provider says of one of its models; `shuts_down` is the day of its end, null when it tells none."""

    model: str
    shuts_down: date | None = None


class Model(Protocol):
    """Somebody who answers requests."""

    @property
    def name(self) -> str:
        """The provider's name in recipes and attempts, lower case: `openai`, `gemini`, `local`, `mock`."""
        ...

    @property
    def model(self) -> str:
        """The model's name, as the provider calls it."""
        ...

    @property
    def source(self) -> Source:
        """Who really makes its answers."""
        ...
