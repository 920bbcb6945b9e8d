"""Everything that a provider may answer, to every operation: how the generation ends that asked for it."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from PIL import Image
from pydantic import BaseModel
from pymongo.asynchronous.database import AsyncDatabase
from structlog.testing import capture_logs

from app.bootstrap.models import Models, models_of
from app.costs.usage import Unit
from app.errors import ErrorCode
from app.generations.attempts import Outcome
from app.generations.closing import Closing
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.lanes import Lane
from app.generations.model import Generation, Status
from app.generations.recipe import Recipe
from app.generations.retries import RetryPolicy
from app.generations.runner import Runner
from app.generations.service import Generations
from app.generations.slots import ProviderLimits, ProviderSlots
from app.generations.work import CalledModel, StepResult, Work
from app.making.pictures import PictureMaker
from app.making.progress import Progress
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture
from app.providers.breaker import Breaker
from app.providers.guard import Guard
from app.providers.guarded import GuardedImageModel, GuardedTextModel, GuardedVisionModel
from app.providers.ports.image import ImageRequest, ImageTask
from app.providers.ports.model import Reference
from app.providers.ports.text import StructuredAnswer, TextRequest
from app.providers.ports.vision import VisionRequest
from app.settings import load_settings
from app.simulator.scenario import Provider, Scenario
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.faults.traces import traces
from tests.indexed import point_at

_KIND = "PROBE"
_DEADLINE_S, _PATIENT_S = 1.0, 15.0
_WITHIN_S = 20.0
_PROMPT = "a silver otter at the lighthouse"
_KEY = "sim-fine"


class Operation(StrEnum):
    """What is asked for, and of whom."""

    OPENAI_GENERATE = "openai-generate"
    OPENAI_EDIT = "openai-edit"
    OPENAI_TEXT = "openai-text"
    OPENAI_VISION = "openai-vision"
    GEMINI_EDIT = "gemini-edit"

    @property
    def provider(self) -> str:
        return self.value.partition("-")[0]

    @property
    def makes_pictures(self) -> bool:
        return self not in {Operation.OPENAI_TEXT, Operation.OPENAI_VISION}


class Otter(BaseModel):
    """What is asked of the text model."""

    name: str
    habits: list[str]


def photo() -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


_PHOTO = photo()


@dataclass
class Probe:
    """One step: one call of the operation that the recipe names as its task."""

    models: Models
    maker: PictureMaker

    async def run(self, work: Work) -> None:
        operation = Operation(work.generation.recipe.task)
        if operation.makes_pictures:
            make = partial(self.maker.make, work, "probe", partial(self._request, operation), Progress(work))
            await work.step("probe", make, is_last=True)
            return
        ask = self._text if operation is Operation.OPENAI_TEXT else self._vision
        await work.step("probe", partial(ask, work), is_last=True)

    async def complete(self, generation: Generation) -> None:
        del generation

    @staticmethod
    async def _request(operation: Operation) -> ImageRequest:
        pictures = () if operation is Operation.OPENAI_GENERATE else (Reference(_PHOTO, "image/png"),)
        return ImageRequest(ImageTask.CREATE, _PROMPT, pictures, previews=1, end_user="somebody")

    async def _text(self, work: Work) -> StepResult:
        request = TextRequest("Describe it.", _PROMPT, Otter)
        async with work.call(CalledModel("openai", self.models.text.model, billable=True)) as call:
            await work.stage("writing", 10)
            async with aclosing(self.models.text.structured(request)) as updates:
                async for update in updates:
                    if isinstance(update, StructuredAnswer):
                        call.provider_request_id, call.usage = update.provider_request_id, update.usage
                        return StepResult({"text": update.value.name})
        raise AssertionError

    async def _vision(self, work: Work) -> StepResult:
        request = VisionRequest(_PROMPT, (Reference(_PHOTO, "image/png"),))
        async with work.call(CalledModel("openai", self.models.vision.model, billable=True)) as call:
            await work.stage("looking", 10)
            said = await self.models.vision.describe(request)
            call.provider_request_id, call.usage = said.provider_request_id, said.usage
            return StepResult({"text": said.text})


_PICTURES: Mapping[Scenario, ErrorCode | None] = {
    Scenario.FINE: None,
    Scenario.HUGE: None,
    Scenario.ECHO: None,
    Scenario.REJECTED_KEY: ErrorCode.PROVIDER_REJECTED_KEY,
    Scenario.RATE_LIMITED: ErrorCode.RATE_LIMITED,
    Scenario.RATE_LIMITED_RETRY_AFTER: ErrorCode.RATE_LIMITED,
    Scenario.EMPTY_QUOTA: ErrorCode.QUOTA_EXCEEDED,
    Scenario.MODEL_GONE: ErrorCode.PROVIDER_NOT_CONFIGURED,
    Scenario.FAILING: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.UNAVAILABLE: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.MODERATION: ErrorCode.CONTENT_BLOCKED,
    Scenario.BLOCKED_PROMPT: ErrorCode.CONTENT_BLOCKED,
    Scenario.IMAGE_SAFETY: ErrorCode.CONTENT_BLOCKED,
    Scenario.REFUSAL: ErrorCode.CONTENT_BLOCKED,
    Scenario.ECHO_REFUSAL: ErrorCode.CONTENT_BLOCKED,
    # a stream that ends without its last event is one that broke off, whatever the reason
    Scenario.NO_IMAGE: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.EMPTY_CANDIDATES: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.TEXT_ONLY: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.TRUNCATED: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.TOO_HUGE: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.WRONG_SHAPE: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.WRONG_BASE64: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.BROKEN_JSON: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.SLOW: ErrorCode.TIMEOUT,
    Scenario.TRICKLE: ErrorCode.TIMEOUT,
    Scenario.CUT_STREAM: ErrorCode.PROVIDER_UNAVAILABLE,
    Scenario.SILENT_CLOSE: ErrorCode.PROVIDER_UNAVAILABLE,
}
_GEMINI = {
    **_PICTURES,
    **dict.fromkeys(
        (
            Scenario.NO_IMAGE,
            Scenario.EMPTY_CANDIDATES,
            Scenario.TRUNCATED,
        ),
        ErrorCode.NO_IMAGE_RETURNED,
    ),
    Scenario.TEXT_ONLY: ErrorCode.TEXT_INSTEAD_OF_IMAGE,
}
_WORDS = {
    **_PICTURES,
    Scenario.TEXT_ONLY: None,
    Scenario.NO_IMAGE: ErrorCode.INVALID_ANSWER,
    Scenario.EMPTY_CANDIDATES: ErrorCode.INVALID_ANSWER,
    Scenario.TRUNCATED: ErrorCode.INVALID_ANSWER,
    Scenario.WRONG_SHAPE: ErrorCode.INVALID_ANSWER,
    Scenario.HUGE: ErrorCode.PROVIDER_UNAVAILABLE,
}
EXPECTED: Mapping[Operation, Mapping[Scenario, ErrorCode | None]] = {
    Operation.OPENAI_GENERATE: _PICTURES,
    Operation.OPENAI_EDIT: _PICTURES,
    Operation.OPENAI_TEXT: _WORDS,
    Operation.OPENAI_VISION: {**_WORDS, Scenario.WRONG_SHAPE: None},  # words have no shape
    Operation.GEMINI_EDIT: _GEMINI,
}
_FINAL = {
    ErrorCode.PROVIDER_REJECTED_KEY,
    ErrorCode.QUOTA_EXCEEDED,
    ErrorCode.PROVIDER_NOT_CONFIGURED,
    ErrorCode.CONTENT_BLOCKED,
}
_UNBILLED = {
    Scenario.REJECTED_KEY,
    Scenario.RATE_LIMITED,
    Scenario.RATE_LIMITED_RETRY_AFTER,
    Scenario.EMPTY_QUOTA,
    Scenario.MODEL_GONE,
    Scenario.UNAVAILABLE,
}
_MAYBE_BILLED = {
    Scenario.FAILING,
    Scenario.SLOW,
    Scenario.TRICKLE,
    Scenario.CUT_STREAM,
    Scenario.SILENT_CLOSE,
    Scenario.BROKEN_JSON,
}


def reguarded(models: Models, deadline_s: float) -> Models:
    """The same adapters behind guards that know of no failure yet."""

    def guard() -> Guard:
        return Guard(Breaker("The provider"), deadline_s)

    assert isinstance(models.text, GuardedTextModel)
    assert isinstance(models.vision, GuardedVisionModel)
    makers = {
        name: GuardedImageModel(one.inner, guard())
        for name, one in models.makers.items()
        if isinstance(one, GuardedImageModel)
    }
    text = GuardedTextModel(models.text.inner, guard())
    return replace(models, text=text, vision=GuardedVisionModel(models.vision.inner, guard()), makers=makers)


@dataclass(frozen=True)
class Shop:
    """An engine whose models ask the simulated providers."""

    pictures: Pictures
    simulator: Simulator
    models: Models

    async def probed(self, operation: Operation, scenario: Scenario) -> Generation:
        """The generation of one call that ends as the scenario says."""
        self.simulator.then(Provider(operation.provider), scenario)
        is_late = EXPECTED[operation][scenario] is ErrorCode.TIMEOUT
        models = reguarded(self.models, _DEADLINE_S if is_late else _PATIENT_S)
        probe = Probe(models, PictureMaker(self.pictures, models.makers))
        queue, hub = InProcessQueue(), InProcessHub()
        closing = Closing({_KIND: probe}, queue, hub, window=1)
        recipe = Recipe(task=operation, prompts=(_PROMPT,), pictures=(), provider=operation.provider, model="m")
        started = await Generations(queue, hub, closing).start(PydanticObjectId(), _KIND, recipe, None)
        limits = ProviderLimits({"openai": 8, "gemini": 8}, 30)
        runner = Runner({_KIND: probe}, queue, hub, closing, "w1", limits, RetryPolicy(attempts=1))
        async with asyncio.timeout(_WITHIN_S):
            await runner.run(started.identity)
        ended = await Generation.get(started.identity)
        assert ended is not None
        return ended


@pytest.fixture(scope="module")
def simulator() -> Generator[Simulator]:
    with simulated_providers() as running:
        yield running


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], simulator: Simulator, tmp_path: Path) -> AsyncIterator[Shop]:
    await point_at(database, [Picture, Generation, Lane, ProviderSlots])
    await database.command("ping")  # the driver has its tasks by now
    simulator.reset()
    given = {name.lower(): value for name, value in simulator.settings.items()}
    models = models_of(load_settings({"data_dir": tmp_path, "provider_timeout_s": _DEADLINE_S, **given}))
    yield Shop(Pictures(DiskStore(tmp_path / "media", MediaLinks(b"k" * 32))), simulator, models)
    await models.close()


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("operation", Operation)
async def test_every_answer_ends_in_its_code_and_leaves_nothing_behind(
    shop: Shop, operation: Operation, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = asyncio.all_tasks()
    for scenario in Scenario:
        with capture_logs() as logs, caplog.at_level(logging.DEBUG):
            ended = await shop.probed(operation, scenario)
        code = EXPECTED[operation][scenario]
        assert (ended.failure.code if ended.failure else None) == code, scenario
        _is_recorded(ended, scenario, code)
        told = [one.getMessage() for one in caplog.records if not one.name.startswith("pymongo")]  # silent in the app
        said = f"{logs} {told}"
        assert not any(one in said for one in (_PROMPT, _KEY, *traces(_PHOTO))), scenario
        caplog.clear()
        await shop.simulator.until(lambda seen: seen.in_flight == 0)
        await _gone(tasks)


def _is_recorded(ended: Generation, scenario: Scenario, code: ErrorCode | None) -> None:
    """The attempt and its one call tell what happened."""
    [attempt], [call] = ended.attempts, ended.calls
    if code is None:
        assert (ended.status, attempt.outcome, call.outcome) == (Status.SUCCEEDED, Outcome.SUCCEEDED, Outcome.SUCCEEDED)
        assert call.provider_request_id, scenario
        assert call.usage[Unit.CALLS] == 1, scenario
        return
    assert (ended.status, attempt.outcome, attempt.code) == (Status.FAILED, Outcome.FAILED, code), scenario
    assert ended.failure is not None
    assert ended.failure.retryable == (code not in _FINAL), scenario
    assert _KEY not in ended.failure.message, scenario
    if scenario is Scenario.RATE_LIMITED_RETRY_AFTER:
        assert ended.failure.retry_after_s == 1
    if scenario in _UNBILLED:
        assert not call.maybe_billed, scenario
    if scenario in _MAYBE_BILLED:
        assert call.maybe_billed, scenario


async def _gone(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait until no task is left but those of before; some end with the loop's next rounds."""
    async with asyncio.timeout(_WITHIN_S):
        while asyncio.all_tasks() - tasks:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
