"""The models that a contract suite runs over: real adapters and real SDKs, the providers simulated."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.costs.usage import Unit, Usage
from app.errors import AppError, ErrorCode
from app.providers.gemini.image import GeminiImageModel
from app.providers.local.provider import LocalImageModel
from app.providers.local.vision import LocalVisionModel
from app.providers.mock.image import MockImageModel
from app.providers.mock.text import MockTextModel
from app.providers.openai.client import OpenAIClient
from app.providers.openai.image import OpenAIImageModel
from app.providers.openai.text import OpenAITextModel
from app.providers.openai.vision import OpenAIVisionModel
from app.providers.ports.image import ImageModel
from app.providers.ports.model import Source
from app.providers.ports.text import TextModel
from app.providers.ports.vision import VisionModel
from app.simulator.scenario import Scenario
from app.simulator.simulator import Simulator

IMAGE_MODELS = ("local", "mock", "gemini", "openai")
TEXT_MODELS = ("mock", "openai")
VISION_MODELS = ("local", "openai")
_DEADLINE_S = 10


@dataclass(frozen=True)
class Subject[Port]:
    """A model to be tested. `key` is its API key; `simulator` is who answers it, null where nobody is asked."""

    model: Port
    key: str = ""
    simulator: Simulator | None = None
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    async def until_asked(self) -> None:
        """Wait until a call has reached the provider."""
        if self.simulator is not None:
            await self.simulator.until(lambda seen: seen.in_flight > 0)

    async def at_rest(self) -> None:
        """Wait until the provider has no call of ours and no thread works; the subject can't be used after it."""
        if self.simulator is not None:
            await self.simulator.until(lambda seen: seen.in_flight == 0)
        await asyncio.to_thread(self.threads.shutdown)


@asynccontextmanager
async def image_subject(
    name: str, simulator: Simulator, scenario: Scenario = Scenario.FINE
) -> AsyncGenerator[Subject[ImageModel]]:
    """An image model, by its provider's name."""
    key = f"sim-{scenario}"
    match name:
        case "gemini":
            gemini = GeminiImageModel(key, "gemini-image", _DEADLINE_S, simulator.gemini_url)
            try:
                yield Subject(gemini, key, simulator)
            finally:
                await gemini.close()
        case "openai":
            async with _openai(key, simulator) as client:
                yield Subject(OpenAIImageModel(client, "gpt-image"), key, simulator)
        case "mock":
            yield Subject(MockImageModel())
        case _:
            yield Subject(LocalImageModel())


@asynccontextmanager
async def text_subject(
    name: str, simulator: Simulator, scenario: Scenario = Scenario.FINE
) -> AsyncGenerator[Subject[TextModel]]:
    """A text model, by its provider's name."""
    if name == "mock":
        yield Subject(MockTextModel())
        return
    key = f"sim-{scenario}"
    async with _openai(key, simulator) as client:
        yield Subject(OpenAITextModel(client, "gpt-text"), key, simulator)


@asynccontextmanager
async def vision_subject(
    name: str, simulator: Simulator, scenario: Scenario = Scenario.FINE
) -> AsyncGenerator[Subject[VisionModel]]:
    """A vision model, by its provider's name."""
    if name == "local":
        yield Subject(LocalVisionModel())
        return
    key = f"sim-{scenario}"
    async with _openai(key, simulator) as client:
        yield Subject(OpenAIVisionModel(client, "gpt-vision"), key, simulator)


@asynccontextmanager
async def _openai(key: str, simulator: Simulator) -> AsyncGenerator[OpenAIClient]:
    client = OpenAIClient(key, _DEADLINE_S, simulator.openai_url)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def nothing_left_behind[Port](subject: Subject[Port]) -> AsyncGenerator[None]:
    """What is done in here leaves no task, no thread's work and no call at the provider."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(subject.threads)
    before = asyncio.all_tasks()
    yield
    for _ in range(3):  # what has ended is taken out of the list by the loop's next rounds
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    loop.set_default_executor(ThreadPoolExecutor(4))
    await subject.at_rest()


@dataclass(frozen=True)
class Meaning:
    """What a scenario of the simulated provider ends in."""

    scenario: Scenario
    code: ErrorCode
    retryable: bool = False
    maybe_billed: bool = False


def check_failure(error: AppError, meaning: Meaning, *secrets: str) -> None:
    """A failure with its public code, and what is known of the call, which was sent; it gives no secret away."""
    assert (error.code, error.retryable) == (meaning.code, meaning.retryable)
    assert error.call is not None
    assert (error.call.sent, error.call.maybe_billed) == (True, meaning.maybe_billed)
    for secret in secrets:
        assert secret not in error.message + repr(error)


async def updates_of[Update](generator: AsyncIterator[Update]) -> list[Update]:
    """All of them."""
    return [update async for update in generator]


def check_usage(source: Source, usage: Usage) -> None:
    """Usage as the ledger can take it: nothing of what costs nothing, known units and no negative counts else."""
    assert all(isinstance(unit, Unit) for unit in usage)
    assert all(count >= 0 for count in usage.values())
    assert bool(usage) == (source is Source.PROVIDER)
    assert usage.get(Unit.CALLS, 0) == (1 if usage else 0)
