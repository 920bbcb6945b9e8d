"""What the engine asks of a model, whoever makes it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Source(StrEnum):
    """Who really made a result: a provider's model, basic processing on this machine, or a placeholder."""

    PROVIDER = "PROVIDER"
    LOCAL = "LOCAL"
    MOCK = "MOCK"


class ImageTask(StrEnum):
    """What is wanted, for adapters that can't read a prompt as a model can."""

    REPLACE_BACKGROUND = "REPLACE_BACKGROUND"
    """Cut the object out of the first reference and put it on `background`, then apply `wishes`."""
    ADJUST = "ADJUST"
    """Apply `wishes` to the first reference."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One input picture: encoded bytes and their media type (`image/jpeg`, ...)."""

    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One picture to be made.

    `prompt` is the whole instruction, for models that read; `wishes` are the user's own words in it, oldest
    first; `background` is a colour as `pictures.colours.parse_colour` takes it, null to leave it alone. `model` is
    the one of that provider to ask, null for the one that is set up.
    """

    task: ImageTask
    prompt: str
    references: tuple[Reference, ...]
    wishes: tuple[str, ...] = ()
    background: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """The model's work has come to a named stage; `percent` (0 to 100) is of the model's own part."""

    name: str
    percent: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture of work that isn't finished: encoded bytes, small."""

    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class MadePicture:
    """The final picture: encoded bytes, who made it, and what of the wishes was applied.

    `applied` names each adjustment in words, in order. `note` is for people: what this result is not.
    """

    data: bytes = field(repr=False)
    media_type: str
    source: Source
    model: str
    applied: tuple[str, ...] = ()
    note: str | None = None
    provider_request_id: str | None = None


class ImageModel(Protocol):
    """Makes one picture of a request."""

    @property
    def name(self) -> str:
        """The provider's name in recipes and attempts, lower case: `local`, `gemini`."""
        ...

    @property
    def model(self) -> str:
        """The model's name, as the provider calls it."""
        ...

    @property
    def source(self) -> Source:
        """Who really makes its pictures."""
        ...

    def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        """Yield stages, and previews if it has any, then exactly one picture, then stop.

        Closing the iterator cancels the work.

        The first stage comes once the work begins: what waits for its turn has not begun, and no deadline runs.

        Raises:
            AppError: with a public code; `retryable` says whether the same request may succeed later.
        """
        ...
