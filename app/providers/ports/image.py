"""What the products ask of a model that makes pictures."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from app.costs.usage import Usage
from app.providers.ports.model import Model, Reference, Source, Stage


class ImageTask(StrEnum):
    """What is wanted, for adapters that can't read a prompt as a model can."""

    CREATE = "CREATE"
    """Make a picture of the prompt; references, if there are any, guide it."""
    REPLACE_BACKGROUND = "REPLACE_BACKGROUND"
    """Cut the object out of the first reference and put it on `background`, or before the second reference, then
    apply `wishes`."""
    COMPOSE = "COMPOSE"
    """Make a new scene of all that the references show."""
    ADJUST = "ADJUST"
    """Apply `wishes` to the first reference."""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One picture to be made.

    `prompt` is the whole instruction, for models that read; `wishes` are the user's own words in it, oldest
    first; `background` is a colour as `pictures.colours.parse_colour` takes it, null to leave it alone. `model` is
    the one of that provider to ask, null for the one that is set up. `variation` tells several pictures of one wish
    apart, for makers that would make the same one each time. `previews` is how many looks at unfinished work are
    wanted (0 to 3); they may cost. `end_user` is an opaque name of who asks, for a provider that looks for
    abuse.
    """

    task: ImageTask
    prompt: str = field(repr=False)
    references: tuple[Reference, ...]
    wishes: tuple[str, ...] = field(default=(), repr=False)
    background: str | None = None
    model: str | None = None
    variation: int = 0
    previews: int = 0
    end_user: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture of work that isn't finished: encoded bytes. A later one takes the place of an earlier one."""

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
    usage: Usage = field(default_factory=lambda: MappingProxyType({}))
    provider_request_id: str | None = None


class ImageModel(Model, Protocol):
    """Makes one picture of a request."""

    def expected_usage(self, request: ImageRequest) -> Usage:
        """A cautious guess of what the request will use, before it is made; empty when it costs nothing."""
        ...

    def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        """Yield stages, and previews if it has any, then exactly one picture, then stop.

        Closing the iterator cancels the work.

        The first stage comes once the work begins: what waits for its turn has not begun, and no deadline runs.

        Raises:
            AppError: with a public code; `retryable` says whether the same request may succeed later.
        """
        ...
