"""A scripted OpenAI, and the real adapters' client pointed at it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import httpx2
import pytest

from app.providers.openai.client import OpenAIClient
from tests.providers.openai.standin import Answer, Standin, serve

type NewClient = Callable[..., OpenAIClient]


@pytest.fixture(scope="session")
def openai_server() -> Iterator[Standin]:
    with serve() as standin:
        yield standin


@pytest.fixture
def openai(openai_server: Standin) -> Standin:
    """The stand-in, with nothing written down and nothing seen yet."""
    openai_server.clear()
    return openai_server


@pytest.fixture
async def client(openai: Standin) -> AsyncIterator[NewClient]:
    """Make the client that gets an answer; its key is `api_key` or one of its own, other fields by name."""
    numbers = count(1)
    async with AsyncExitStack() as stack:

        def make(
            answer: Answer,
            *,
            api_key: str | None = None,
            deadline_s: float = 10,
            base_url: str | None = None,
            http: httpx2.AsyncClient | None = None,
        ) -> OpenAIClient:
            key = api_key or f"sk-scripted-{next(numbers)}"
            openai.answers[key.strip()] = answer
            own: dict[str, Any] = {} if http is None else {"http": http}
            made = OpenAIClient(key, deadline_s, base_url or openai.url, **own)
            stack.push_async_callback(made.close)
            return made

        yield make
