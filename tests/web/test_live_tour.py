"""The whole tour in a real browser against the real server: sign up, upload, watch, regenerate, look."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.databases import database_setting
from tests.e2e.server import Server, running
from tests.web.explorer_page import ExplorerPage

pytestmark = pytest.mark.asyncio(loop_scope="session")
_PHOTO = Path(__file__).parent.parent / "photos" / "car-1.jpg"


@pytest.fixture(scope="module")
def live_server(tmp_path_factory: pytest.TempPathFactory, built_explorer: Path) -> Iterator[Server]:
    assert built_explorer.is_dir()
    with running(tmp_path_factory.mktemp("data"), database_setting()) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, live_server: Server) -> AsyncIterator[ExplorerPage]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    yield await ExplorerPage.new(context, live_server.url)
    await context.close()


@pytest.mark.long
async def test_person_makes_and_regenerates_an_ornament_in_the_explorer(page: ExplorerPage) -> None:
    await page.open_tab("SignUp")
    person = {"email": "ada@example.com", "password": "a quiet sea at night", "name": "Ada"}
    await page.set_variables({"input": person})
    await page.run()
    assert (await page.result())["data"]["signUp"]["errors"] == []
    assert person["password"] not in await page.page.evaluate("JSON.stringify(localStorage)")

    await page.open_tab("UploadOrnament")
    await page.bind_file(_PHOTO)
    await page.run()
    generation = (await page.result())["data"]["uploadOrnament"]["generation"]

    await page.open_tab("GenerationProgress")
    await page.set_variables({"id": generation["id"]})
    await page.run()
    root = (await page.result("SUCCEEDED"))["data"]["generationProgress"]["generation"]["result"]["id"]
    assert len(await page.pictures()) == 1

    await page.open_tab("RegenerateImage")
    await page.set_variables({"input": {"imageId": root, "prompt": "Add gold accents"}})
    await page.run()
    again = (await page.result())["data"]["regenerateImage"]["generation"]

    await page.open_tab("GenerationProgress")
    await page.set_variables({"id": again["id"]})
    await page.run()
    child = (await page.result("SUCCEEDED"))["data"]["generationProgress"]["generation"]["result"]["id"]

    await page.open_tab("MyImages")
    await page.run()
    images = (await page.result())["data"]["viewer"]["ornamentImages"]["nodes"]
    assert [(image["id"], image["parent"]) for image in images] == [(child, {"id": root}), (root, None)]
    assert [node["id"] for node in images[1]["children"]["nodes"]] == [child]
    assert len(await page.pictures()) == 2
    assert page.foreign_addresses() == []
    assert page.complaints == []
