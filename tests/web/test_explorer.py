import hashlib
import json
import random
from pathlib import Path

import pytest

from tests.web.explorer_page import ExplorerPage
from tests.web.toy_server import TOKEN, ToyServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

GREETING = "query Greeting($name: String!) { greeting(name: $name) }"
SIGN_UP = "mutation SignUp($input: SignUpInput!) { signUp(input: $input) { session { accessToken refreshToken } } }"
VIEWER = "query Viewer { viewer }"
GALLERY = "query Gallery { gallery { url } }"
UPLOAD_ONE = """
mutation UploadOne($input: UploadInput!) { uploadOne(input: $input) { name size sha256 picture { url } } }
"""
UPLOAD_MANY = "mutation UploadMany($photos: [Upload!]!) { uploadMany(photos: $photos) { name size sha256 } }"
COUNT = "subscription Count($to: Int!) { count(to: $to) { number picture { url } } }"


CONTENT = random.Random(7).randbytes(300_001)  # noqa: S311 - nobody has to fail to guess them


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "ring.bin"
    path.write_bytes(CONTENT)
    return path


async def test_query_runs_with_its_variables(explorer: ExplorerPage) -> None:
    answer = await explorer.execute(GREETING, {"name": "Ada"})

    assert answer == {"data": {"greeting": "Hello, Ada"}}


@pytest.mark.long
async def test_editor_underlines_what_the_schema_lacks(explorer: ExplorerPage) -> None:
    await explorer.set_query("query Wrong { nothingOfTheKind }")

    await explorer.page.locator(".graphiql-query-editor .squiggly-error").wait_for()


async def test_files_go_up_byte_for_byte(explorer: ExplorerPage, photo: Path) -> None:
    stored = {"name": "ring.bin", "size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    await explorer.set_query(UPLOAD_ONE)
    await explorer.bind_file(photo)
    assert await explorer.bound_paths() == ["input.image.upload"]

    answer = await explorer.execute(UPLOAD_ONE, {"input": {"prompt": "Make it shine"}})
    assert answer == {"data": {"uploadOne": stored | {"picture": {"url": "/media/new.png"}}}}

    await explorer.remove_files()
    await explorer.set_query(UPLOAD_MANY)
    await explorer.bind_file(photo)
    await explorer.bind_file(photo, "photos.1")
    assert await explorer.execute(UPLOAD_MANY) == {"data": {"uploadMany": [stored, stored]}}


@pytest.mark.long
async def test_file_dropped_anywhere_waits_for_an_operation_that_takes_one(explorer: ExplorerPage) -> None:
    await explorer.set_query(GREETING)
    await explorer.drop_file("ring.jpg", "image/jpeg")
    card = explorer.page.locator(".regen-file")
    await card.get_by_text("ring.jpg").wait_for()
    assert await explorer.bound_paths() == [""]

    await explorer.set_query(UPLOAD_ONE)

    await card.locator("option:checked", has_text="input.image.upload").wait_for(state="attached")


async def test_token_of_an_answer_signs_requests_until_forgotten(explorer: ExplorerPage) -> None:
    await explorer.execute(SIGN_UP, {"input": {"email": "you@example.com"}})
    assert await explorer.session.get_by_text("Signed in").is_visible()
    assert await explorer.access_token() == TOKEN
    assert await explorer.execute(VIEWER) == {"data": {"viewer": "you"}}

    await explorer.open()
    assert await explorer.execute(VIEWER) == {"data": {"viewer": "you"}}

    await explorer.set_headers({"Authorization": "Bearer of something else"})
    await explorer.run()
    assert (await explorer.result("UNAUTHENTICATED"))["data"] is None
    assert await explorer.session.locator(".regen-hint").is_visible()

    await explorer.session.get_by_role("button", name="Forget").click()
    assert await explorer.access_token() is None
    await explorer.set_headers({"Authorization": f"Bearer {TOKEN}"})
    assert await explorer.execute(VIEWER) == {"data": {"viewer": "you"}}


async def test_subscription_streams_with_the_token_of_session_or_headers(
    explorer: ExplorerPage, toy: ToyServer
) -> None:
    await explorer.execute(COUNT, {"to": 3})
    assert "UNAUTHENTICATED" in json.dumps(await explorer.result())

    await explorer.execute(SIGN_UP, {"input": {"email": "you@example.com"}})
    await explorer.set_query(COUNT)
    await explorer.set_variables({"to": 3})
    await explorer.run()
    for number in (1, 2, 3):
        toy.step()
        event = (await explorer.result(f'"number": {number}'))["data"]["count"]
        assert event == {"number": number, "picture": {"url": f"/media/{number}.png"}}
    assert await explorer.pictures() == [f"{toy.address}/media/3.png"]

    await explorer.session.get_by_role("button", name="Forget").click()
    await explorer.set_headers({"Authorization": f"Bearer {TOKEN}"})
    await explorer.set_variables({"to": 1})
    await explorer.run()
    toy.step()
    assert await explorer.result('"number": 1')


async def test_subscription_whose_socket_breaks_goes_on_over_a_new_one(explorer: ExplorerPage, toy: ToyServer) -> None:
    await explorer.set_headers({"authorization": f"Bearer {TOKEN}"})
    await explorer.set_query(COUNT)
    await explorer.set_variables({"to": 1})
    await explorer.run()
    await (await toy.sockets.get()).close(1012)

    await toy.sockets.get()
    toy.step()

    assert await explorer.result('"number": 1')


@pytest.mark.long
async def test_stopped_subscription_closes_its_socket(explorer: ExplorerPage, toy: ToyServer) -> None:
    await explorer.set_headers({"authorization": f"Bearer {TOKEN}"})
    await explorer.set_query(COUNT)
    await explorer.set_variables({"to": 2})
    await explorer.run()
    toy.step()
    await explorer.result('"number": 1')

    (socket,) = explorer.sockets
    async with socket.expect_event("close"):
        await explorer.run()


@pytest.mark.long
async def test_pictures_of_an_answer_show_as_thumbnails(explorer: ExplorerPage, toy: ToyServer) -> None:
    await explorer.execute(GALLERY)

    assert await explorer.pictures() == [f"{toy.address}/media/gold.png", f"{toy.address}/media/silver.png"]


async def test_first_visit_opens_the_tour(explorer: ExplorerPage) -> None:
    assert "Welcome to Regen" in await explorer.query()

    await explorer.open_tab("SignUp")

    assert "mutation SignUp" in await explorer.query()
    assert "email" in (await explorer.variables())["input"]
