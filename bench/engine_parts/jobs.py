"""What the generations of the benchmark do: nothing, but when they are seen to do it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.generations.events import GenerationEvent
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.generations.work import CalledModel, StepResult, Work

STAMPED, LIKE_ORNAMENT = "STAMPED", "LIKE_ORNAMENT"
_MODEL = CalledModel("gemini", "none", billable=True)

type Answer = Callable[[PydanticObjectId], Awaitable[None]]


def recipe(**parameters: str) -> Recipe:
    """What a job here does depends on its parameters alone."""
    return Recipe(
        task="BENCH", prompts=("a",), pictures=(), provider=_MODEL.provider, model="none", parameters=parameters
    )


@dataclass(frozen=True, slots=True)
class Told:
    """One event: when it was asked to be written, and when it was; both by the machine's monotonic clock."""

    generation_id: str
    sequence: int
    called_s: float
    written_s: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What a working process saw of each generation: its ring, its job's first line, its end, its events of stages."""

    heard_s: dict[str, float] = field(default_factory=dict[str, float])
    claimed_s: dict[str, float] = field(default_factory=dict[str, float])
    done_s: dict[str, float] = field(default_factory=dict[str, float])
    told: list[Told] = field(default_factory=list[Told])

    def add(self, other: Self) -> None:
        """What was seen later."""
        self.heard_s.update(other.heard_s)
        self.claimed_s.update(other.claimed_s)
        self.done_s.update(other.done_s)
        self.told.extend(other.told)


@dataclass(slots=True)
class StampedJob:
    """Stamps its first line; where the recipe has a pace, tells new stages at it for a while."""

    seen: Seen = field(default_factory=Seen)

    def take(self) -> Seen:
        """What was seen since the last time."""
        seen, self.seen = self.seen, Seen()
        return seen

    def heard(self, run: Answer) -> Answer:
        """Stamps each ring before and after it is answered."""

        async def answer(generation_id: PydanticObjectId) -> None:
            self.seen.heard_s.setdefault(str(generation_id), time.monotonic())
            await run(generation_id)
            self.seen.done_s[str(generation_id)] = time.monotonic()

        return answer

    async def run(self, work: Work) -> None:
        """The parameters are `begin_s` and `end_s` (monotonic), and `every_s`."""
        self.seen.claimed_s[str(work.generation.identity)] = time.monotonic()
        pace = {name: float(value) for name, value in work.generation.recipe.parameters.items()}
        number, due_s = 0, pace.get("begin_s", 0)
        while due_s < pace.get("end_s", 0) and time.monotonic() < pace["end_s"]:
            await asyncio.sleep(due_s - time.monotonic())
            await self._tell(work, number)
            number += 1
            due_s = pace["begin_s"] + number * pace["every_s"]

    async def complete(self, generation: Generation) -> None:
        """Nothing."""

    async def _tell(self, work: Work, number: int) -> None:
        publish, called_s = work.publish, time.monotonic()

        async def stamped(event: GenerationEvent) -> None:
            self.seen.told.append(Told(str(work.generation.identity), event.sequence, called_s, time.monotonic()))
            await publish(event)

        work.publish = stamped
        await work.stage(f"stage {number}", number)
        work.publish = publish


@dataclass(frozen=True, slots=True)
class JobLikeOrnament:
    """The events and writes of an ornament's, without its model and pictures.

    With the parameter `fails` its first attempt is refused by the model, with `hangs` the model never answers.
    """

    asking: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, work: Work) -> None:
        """One step."""
        await work.step("picture", partial(self._make, work), is_last=True)

    async def complete(self, generation: Generation) -> None:
        """Nothing."""

    async def _make(self, work: Work) -> StepResult:
        await work.stage("preparing", 5)
        async with work.call(_MODEL) as call:
            await self._ask(work)
            call.provider_request_id = "none"
        await work.stage("storing", 90)
        picture = PydanticObjectId()
        return StepResult({"pictureId": picture, "source": "PROVIDER", "applied": [], "note": None}, (picture,))

    async def _ask(self, work: Work) -> None:
        parameters = work.generation.recipe.parameters
        await work.stage("asking", 18)
        self.asking.set()
        if "fails" in parameters and work.generation.attempt == 1:
            raise AppError(ErrorCode.PROVIDER_UNAVAILABLE, "Not now.", retryable=True)
        if "hangs" in parameters:
            await asyncio.Event().wait()
        await work.stage("reading", 86)
