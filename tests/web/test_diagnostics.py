"""The page of the diagnostics in a real browser, against the real server and simulated providers."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, WebSocketRoute

from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.databases import database_setting
from tests.e2e.client import PASSWORD, Client
from tests.e2e.commands import said
from tests.e2e.server import Server, running
from tests.web.diagnostics_page import DiagnosticsPage

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True, slots=True)
class Site:
    """A server, and what its operator types at its command line."""

    server: Server
    folder: Path
    settings: dict[str, str]
    simulator: Simulator

    async def person(self) -> str:
        """The address of somebody new."""
        async with httpx2.AsyncClient(base_url=self.server.url, timeout=30) as http:
            email: str = (await Client(http, self.server.sockets_url).sign_up())["email"]
        return email

    async def operator(self, *arguments: str) -> str:
        return await asyncio.to_thread(said, self.folder, *arguments, settings=self.settings)

    async def administrator(self) -> str:
        """The address of somebody who is one."""
        email = await self.person()
        await self.operator("admin", "grant", email)
        return email


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("data")
    with simulated_providers() as simulator:
        keys = {name: value for name, value in simulator.settings.items() if not name.startswith("CLOUDINARY")}
        settings = {**database_setting(), **keys}
        with running(folder, settings) as server:
            yield Site(server, folder, settings, simulator)


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: Site) -> AsyncIterator[DiagnosticsPage]:
    """Whatever a test does, the page asks nobody else and complains of nothing."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    opened = await DiagnosticsPage.new(context, site.server.url)
    yield opened
    await context.close()
    assert opened.foreign_addresses() == []
    assert opened.complaints == []


@pytest.mark.long
async def test_administrator_runs_both_suites_and_sees_results_with_pictures(page: DiagnosticsPage, site: Site) -> None:
    await page.sign_in(await site.administrator(), PASSWORD)
    assert await page.done("Not run yet") == "Not run yet."
    assert await page.statuses() == ["NONE"] * 4
    await page.run()
    assert await page.done() == "Done: 4 passed, 0 failed."
    assert await page.statuses() == ["PASSED"] * 4
    shown = await page.pictures()
    assert [alt.split()[0] for alt in shown] == ["Output", "Input", "Input", "Output"]
    vision = page.test("vision")
    assert (await vision.locator(".took").inner_text()).endswith("s")
    await vision.get_by_text("Response").click()
    response = await vision.locator(".response .json").inner_text()
    assert 'source: "PROVIDER"' in response
    assert "requestId: " in response

    await page.choose("Full flow")
    assert await page.statuses() == ["NONE"] * 5
    await page.run()
    assert await page.done() == "Done: 5 passed, 0 failed."
    await page.choose("Providers")
    assert await page.statuses() == ["PASSED"] * 4
    assert len(page.sockets) == 2


async def test_run_is_there_again_after_a_reload_and_gone_after_signing_out(page: DiagnosticsPage, site: Site) -> None:
    await page.sign_in(await site.administrator(), PASSWORD)
    await page.run()
    await page.done()
    await page.page.reload()
    assert await page.done() == "Done: 4 passed, 0 failed."
    await page.page.get_by_role("button", name="Sign out").click()
    await page.page.get_by_role("heading", name="Sign in as an administrator").wait_for()
    assert await page.page.locator(".test img").count() == 0
    kept: dict[str, Any] = json.loads(await page.page.evaluate("sessionStorage.getItem('regen.diagnostics')"))
    assert (kept["accessToken"], kept["refreshToken"], kept["runs"]) == (None, None, {})


async def test_run_that_is_stopped_says_so_and_the_next_one_runs(page: DiagnosticsPage, site: Site) -> None:
    await page.sign_in(await site.administrator(), PASSWORD)
    site.simulator.takes_s = 3_600
    try:
        await page.run()
        await page.page.locator("[data-test=text-completion][data-status=RUNNING]").wait_for()
        assert await page.page.get_by_role("button", name="Run tests").is_disabled()
        await page.page.get_by_role("button", name="Stop").click()
        assert await page.done("Stopped") == "Stopped: 0 passed, 0 failed, 4 skipped."
    finally:
        site.simulator.takes_s = 0
    await page.run()
    assert await page.done() == "Done: 4 passed, 0 failed."


async def test_who_is_no_administrator_reads_the_command_and_goes_on_once_it_was_run(
    page: DiagnosticsPage, site: Site
) -> None:
    email = await site.person()
    await page.sign_in(email, PASSWORD)
    await page.page.get_by_text("Your account is no administrator.").wait_for()
    command = await page.page.locator("#command").inner_text()
    assert command == f"regen admin grant {email}"
    assert not await page.page.get_by_role("button", name="Run tests").is_visible()
    await site.operator(*command.split()[1:])
    await page.page.get_by_role("button", name="Check again").click()
    await page.page.get_by_role("button", name="Run tests").wait_for()


async def test_wrong_password_and_wrong_token_are_told(page: DiagnosticsPage, site: Site) -> None:
    await page.sign_in(await site.person(), "not the password")
    await page.page.get_by_role("alert").get_by_text("password is wrong").wait_for()
    await page.page.get_by_text("Use an access token").click()
    await page.page.get_by_label("Access token").fill("nonsense")
    await page.page.get_by_role("button", name="Use it").click()
    await page.page.get_by_role("alert").get_by_text("token").wait_for()
    assert await page.page.get_by_role("button", name="Sign in", exact=True).is_visible()


async def test_run_is_shown_to_its_end_where_sockets_fail(page: DiagnosticsPage, site: Site) -> None:
    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close(code=1011)

    await page.page.route_web_socket("**/graphql", refuse)
    await page.page.reload()
    await page.sign_in(await site.administrator(), PASSWORD)
    await page.run()
    assert await page.done() == "Done: 4 passed, 0 failed."


@pytest.mark.long
async def test_everything_can_be_done_with_the_keyboard(page: DiagnosticsPage, site: Site) -> None:
    await page.page.get_by_label("E-mail address").focus()
    await page.page.keyboard.type(await site.administrator())
    await page.page.keyboard.press("Tab")
    await page.page.keyboard.type(PASSWORD)
    await page.page.keyboard.press("Enter")
    await page.page.get_by_role("button", name="Run tests").wait_for()
    await page.page.get_by_role("radio", name="Providers").focus()
    await page.page.keyboard.press("ArrowRight")
    assert await page.statuses() == ["NONE"] * 5
    await page.page.keyboard.press("Tab")
    await page.page.keyboard.press("Enter")
    await page.done()


async def test_page_lets_nothing_in_from_outside(site: Site) -> None:
    async with httpx2.AsyncClient(base_url=site.server.url) as http:
        answer = await http.get("/diagnostics")
        files = [await http.get(f"/diagnostics/page.{name}") for name in ("js", "css")]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert [file.status_code for file in files] == [200, 200]
    assert [file.headers["content-type"].partition(";")[0] for file in files] == ["text/javascript", "text/css"]
    assert all("http://" not in file.text and "https://" not in file.text for file in files)
