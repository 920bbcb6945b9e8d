"""Stand-ins for the providers, and the real adapters pointed at them."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest

from app.providers.aside import Aside
from app.providers.gemini.image import GeminiImageModel
from tests.providers.gemini_standin import Standin, serve

type NewGemini = Callable[..., GeminiImageModel]


@pytest.fixture(scope="session")
def gemini_server() -> Iterator[Standin]:
    with serve() as standin:
        yield standin


@pytest.fixture
def google(gemini_server: Standin) -> Standin:
    """The stand-in, with nothing seen yet."""
    gemini_server.clear()
    return gemini_server


@pytest.fixture
async def gemini(google: Standin) -> AsyncIterator[NewGemini]:
    """Make the adapter for a key, which is the stand-in's scenario; other fields by name."""
    async with AsyncExitStack() as stack:

        def make(
            api_key: str,
            *,
            model: str = "gemini-image",
            deadline_s: float = 10,
            base_url: str | None = None,
            http: httpx2.AsyncClient | None = None,
            aside: Aside | None = None,
        ) -> GeminiImageModel:
            own: dict[str, Any] = {} if http is None else {"http": http, "aside": aside or Aside()}
            made = GeminiImageModel(api_key, model, deadline_s, base_url or google.url, **own)
            stack.push_async_callback(made.close)
            return made

        yield make
