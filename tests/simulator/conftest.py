"""The stand-in, and the vendors' own SDKs pointed at it."""

import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from google import genai
from google.genai import types
from openai import AsyncOpenAI
from PIL import Image

from app.simulator.scenario import Scenario
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers

type OpenAIOf = Callable[..., AsyncOpenAI]
type GeminiOf = Callable[[Scenario], genai.Client]


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    with simulated_providers() as simulator:
        yield simulator


@pytest.fixture
async def simulator(running_simulator: Simulator) -> AsyncIterator[Simulator]:
    """The stand-in, with nothing seen yet; no call may be under way at the end of a test."""
    running_simulator.reset()
    yield running_simulator
    running_simulator.takes_s = 0
    running_simulator.release()
    await running_simulator.until(lambda seen: seen.in_flight == 0)


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=simulator.url, timeout=20) as http:
        yield http


@pytest.fixture
async def openai_of(simulator: Simulator) -> AsyncIterator[OpenAIOf]:
    """Make OpenAI's client with the key of a scenario."""
    async with AsyncExitStack() as stack:

        def make(scenario: Scenario = Scenario.FINE, base_url: str = simulator.openai_url) -> AsyncOpenAI:
            client = AsyncOpenAI(api_key=f"sim-{scenario}", base_url=base_url, max_retries=0, timeout=20)
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
async def openai(openai_of: OpenAIOf) -> AsyncOpenAI:
    return openai_of()


@pytest.fixture
async def gemini_of(simulator: Simulator) -> AsyncIterator[GeminiOf]:
    """Make Google's client with the key of a scenario."""
    async with AsyncExitStack() as stack:

        def make(scenario: Scenario) -> genai.Client:
            http = httpx2.AsyncClient(timeout=20)
            stack.push_async_callback(http.aclose)
            retries = types.HttpRetryOptions(attempts=1)
            options = types.HttpOptions(base_url=simulator.gemini_url, httpx_async_client=http, retry_options=retries)
            client = genai.Client(enterprise=False, api_key=f"sim-{scenario}", http_options=options)
            stack.callback(client.close)
            return client

        yield make


def decoded(data: bytes) -> Image.Image:
    """The picture, read whole."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def png(width: int, height: int) -> bytes:
    """A picture to upload."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((width, height)).save(buffer, "PNG")
    return buffer.getvalue()
