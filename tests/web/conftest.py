"""The built explorer, one browser for the run, and a toy server behind the page."""

import fcntl
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.web.explorer_page import CHROMIUM, CHROMIUM_ARGS, ExplorerPage
from tests.web.toy_server import ToyServer, serve_toy

_WEB = Path(__file__).parents[2] / "web"
_BUILD_S = 300


@pytest.fixture(scope="session")
def built_explorer() -> Path:
    """`web/dist`, built if it is missing or older than its sources; of parallel runs one builds, the others wait."""
    dist = _WEB / "dist"
    with (_WEB / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_WEB / "node_modules").is_dir():
            _npm("ci")
        if _is_older_than_sources(dist / "explorer.html"):
            _npm("run", "build")
    return dist


def _is_older_than_sources(page: Path) -> bool:
    sources = [_WEB / "build.mjs", _WEB / "package-lock.json", *(_WEB / "src").rglob("*.*")]
    return not page.is_file() or page.stat().st_mtime < max(source.stat().st_mtime for source in sources)


def _npm(*arguments: str) -> None:
    npm = shutil.which("npm")
    assert npm, "npm builds the explorer's page, and isn't here"
    subprocess.run([npm, *arguments], cwd=_WEB, check=True, timeout=_BUILD_S)  # noqa: S603 - no shell


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium with a profile of its own."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def toy(built_explorer: Path) -> AsyncIterator[ToyServer]:
    """A toy server of this test's own."""
    async with serve_toy(built_explorer) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def explorer(browser: Browser, toy: ToyServer) -> AsyncIterator[ExplorerPage]:
    """The explorer on the toy server. Whatever a test does, the page asks nobody else and complains of nothing."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await ExplorerPage.new(context, toy.address)
    yield page
    await context.close()
    assert page.foreign_addresses() == []
    assert page.complaints == []
