"""A provider that gives secrets away, and the page that shows its answers: none of them comes through."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Browser, Response

from tests.databases import database_setting
from tests.diagnostics.planted import KNOWN, PLANTED, SENTENCES, leaks
from tests.e2e.client import PASSWORD, Client
from tests.e2e.commands import said as printed
from tests.e2e.server import Server, running
from tests.providers.openai.standin import Answer, Standin, serve
from tests.providers.openai.wire import response, said
from tests.web.diagnostics_page import DiagnosticsPage

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def openai() -> Iterator[Standin]:
    """Whatever it is asked, it tells every secret."""
    given_away = " ".join(sentence.format(**PLANTED) for sentence in SENTENCES)
    with serve() as standin:
        standin.answers[KNOWN] = Answer((response("completed", said(json.dumps({"answer": given_away}))),))
        yield standin


@pytest.fixture
def server(tmp_path: Path, openai: Standin) -> Iterator[tuple[Server, dict[str, str]]]:
    settings = {**database_setting(), "OPENAI_API_KEY": KNOWN, "OPENAI_BASE_URL": openai.url}
    with running(tmp_path, settings) as started:
        yield started, settings


async def test_page_shows_the_answers_without_what_was_given_away(
    browser: Browser, server: tuple[Server, dict[str, str]], tmp_path: Path, openai: Standin
) -> None:
    started, settings = server
    async with httpx2.AsyncClient(base_url=started.url, timeout=30) as http:
        email = (await Client(http, started.sockets_url).sign_up())["email"]
    await asyncio.to_thread(printed, tmp_path, "admin", "grant", email, settings=settings)
    context = await browser.new_context()
    page = await DiagnosticsPage.new(context, started.url)
    frames, answers = list[str | bytes](), list[Response]()

    def hear(frame: str | bytes) -> None:
        frames.append(frame)

    def note(answer: Response) -> None:
        answers.append(answer)

    page.page.on("websocket", lambda socket: socket.on("framereceived", hear))
    page.page.on("response", note)
    await page.sign_in(email, PASSWORD)
    await page.run()
    await page.done()
    shown = await page.page.content()
    bodies = [await one.text() for one in answers if one.url.endswith("/graphql")]
    await context.close()
    assert len(openai.seen) >= 4
    assert "The key [removed] was refused" in shown
    assert "mongodb://[removed]@db.example.com" in shown
    assert leaks(shown) == []
    assert any("[removed]" in str(frame) for frame in frames)
    assert [leak for frame in frames for leak in leaks(str(frame))] == []
    assert [leak for body in bodies for leak in leaks(body)] == []
    assert leaks("".join(started.log)) == []
