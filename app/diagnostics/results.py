"""How a run stands: read from its generation, whose steps are the results of its tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from beanie import PydanticObjectId
from pydantic import Field

from app.database.document import StoredValue
from app.diagnostics.suites import PROBES, Probe, Suite
from app.generations.model import Generation, Status

GENERATION_KIND = "DIAGNOSTICS"
SUITE = "suite"
"""The recipe's parameter that names it."""


class ProbeStatus(StrEnum):
    """Where a test stands."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    PASSED = "PASSED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class Result(StoredValue):
    """What is kept of one test, as its step's values.

    `request` and `response` are JSON without secrets, `message` is for people; null where there is nothing to say.
    """

    status: ProbeStatus
    duration_ms: int | None = None
    input_pictures: list[PydanticObjectId] = Field(default_factory=list[PydanticObjectId])
    output_pictures: list[PydanticObjectId] = Field(default_factory=list[PydanticObjectId])
    request: Any = None
    response: Any = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """A test and its result so far."""

    probe: Probe
    result: Result


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a suite: a generation, seen as what it is for."""

    generation_id: PydanticObjectId
    owner_id: PydanticObjectId
    suite: Suite
    status: Status
    tests: tuple[Tested, ...]

    @classmethod
    def of(cls, generation: Generation) -> Self:
        """The run of a generation of that kind."""
        suite = Suite(generation.recipe.parameters[SUITE])
        kept = {name: Result.model_validate(values) for name, values in generation.steps.items()}
        left = [probe for probe in PROBES[suite] if probe.name not in kept]
        tests = (Tested(one, kept.get(one.name) or _without(generation, one, left)) for one in PROBES[suite])
        return cls(generation.identity, generation.owner_id, suite, generation.status, tuple(tests))

    @property
    def failed(self) -> bool:
        """Whether something is wrong: a test failed, or the run did not come to its end."""
        one_failed = any(one.result.status is ProbeStatus.FAILED for one in self.tests)
        return one_failed or (self.status.ended and self.status is not Status.SUCCEEDED)


def _without(generation: Generation, probe: Probe, left: Sequence[Probe]) -> Result:
    """That of a test that was not made yet, or never will be."""
    if generation.status.ended:
        why = "The run was called off before." if generation.status is Status.CANCELLED else "The run ended before."
        return Result(status=ProbeStatus.SKIPPED, message=why)
    is_worked_on = generation.status is Status.RUNNING and generation.lease is not None
    is_next = probe is left[0]
    return Result(status=ProbeStatus.RUNNING if is_worked_on and is_next else ProbeStatus.WAITING)
