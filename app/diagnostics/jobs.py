"""What a generation of diagnostics does: its suite's tests, one after another, each a step.

A test that fails is a result like any other: the run goes on, and nothing is tried again.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pymongo.errors import PyMongoError

from app.diagnostics.bench import Bench
from app.diagnostics.ports import Test
from app.diagnostics.results import SUITE, ProbeStatus, Result
from app.diagnostics.secrets import Cleaner
from app.diagnostics.suites import PROBES, Suite
from app.errors import AppError
from app.generations.model import Generation
from app.generations.pen import LeaseLostError
from app.generations.work import StepResult, Work
from app.logs import logger
from app.pictures.library import Pictures

_log = logger(__name__)
_FRAMES = 4
_BUG = "Something went wrong on our side; it is logged under the generation's id."


@dataclass(frozen=True, slots=True)
class DiagnosticsJob:
    """Makes `tests`, which are by their name; `cleaner` sees all that is kept of them.

    `clear` deletes what they have left elsewhere, however the run has ended.
    """

    pictures: Pictures
    tests: Mapping[str, Test]
    cleaner: Cleaner
    clear: Callable[[Generation], Awaitable[None]]

    async def run(self, work: Work) -> None:
        """Make what was not made yet."""
        probes = PROBES[Suite(work.generation.recipe.parameters[SUITE])]
        share = 100 // len(probes)
        for number, probe in enumerate(probes):
            if probe.name in work.generation.steps:
                continue
            bench = Bench(work, self.pictures, probe, number * share, (number + 1) * share)
            await bench.at_work()
            await work.step(probe.name, partial(self._tested, bench), is_last=probe is probes[-1])

    async def complete(self, generation: Generation) -> None:
        """All of the result is in the steps; what the tests have left elsewhere goes."""
        await self.clear(generation)

    async def _tested(self, bench: Bench) -> StepResult:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        status, message = await self._outcome(bench)
        result = Result(
            status=status,
            duration_ms=round((loop.time() - began_s) * 1000),
            input_pictures=bench.inputs,
            output_pictures=bench.outputs,
            request=self.cleaner.clean(bench.request) if bench.request else None,
            response=self.cleaner.clean(bench.response) if bench.response else None,
            message=self.cleaner.text(message),
        )
        return StepResult(result.model_dump(by_alias=True), (*bench.inputs, *bench.outputs))

    async def _outcome(self, bench: Bench) -> tuple[ProbeStatus, str]:
        """How the test ended, and what is to be said of it."""
        name = bench.probe.name
        try:
            return ProbeStatus.PASSED, await self.tests[name](bench)
        except AppError as error:
            _log.warning("diagnostic_failed", test=name, code=error.code)
            return ProbeStatus.FAILED, error.message
        except (LeaseLostError, PyMongoError):
            raise
        except Exception as error:  # noqa: BLE001 - what is broken is what is looked for here: the others go on
            _log.error("diagnostic_crashed", test=name, error=type(error).__name__, at=_place_of(error))
            return ProbeStatus.FAILED, _BUG


def _place_of(error: Exception) -> str:
    """Where it was raised; its text may hold what was asked, or a secret."""
    frames = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    return " < ".join(reversed(frames[-_FRAMES:]))
