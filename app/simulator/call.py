"""What came."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.simulator.scenario import Operation, Provider, Scenario

_HASH_DIGITS = 8


def prompt_hash(prompt: str) -> str:
    """The first 8 hexadecimal digits of the prompt's SHA-256, as pictures and texts show it."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:_HASH_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What every request says.

    `key` is the API key. `prompt` is the user's text, `instructions` what a text model was told besides.
    `references` are the SHA-256 of the bytes of each picture that came with it, in hexadecimal, in order. `subject`
    is the public id of the picture that a store is asked about.
    """

    key: str = field(repr=False)
    model: str | None = None
    prompt: str = ""
    instructions: str = ""
    references: tuple[str, ...] = ()
    subject: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A request as it came: its number from 1, when by the monotonic clock, and how it ends.

    `headers` hold no secret. `scenario` is what was asked for, before the nearest one that makes sense is taken.
    """

    number: int
    at: float
    provider: Provider
    operation: Operation
    path: str
    model: str | None
    prompt: str
    prompt_hash: str
    instructions: str
    references: tuple[str, ...]
    subject: str | None
    headers: Mapping[str, str]
    scenario: Scenario

    @property
    def request_id(self) -> str:
        """The header `x-request-id` of its answer."""
        return f"req_{self.prompt_hash}_{self.number}"

    def shown(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
